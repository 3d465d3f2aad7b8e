import type { RefObject } from "react";
import type { MoreAct } from "./more-menu";
import { Popover } from "./popover";

interface Props {
  label: string;
  acts: readonly MoreAct[];
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
}

export function MoreList({ label, acts, anchor, onClose }: Props) {
  return (
    <Popover label={label} anchor={anchor} align="end" className="min-w-40" onClose={onClose}>
      <ul>
        {acts.map((act) => (
          <li key={act.label}>
            <button type="button" className={`flex min-h-8 w-full items-center rounded-md px-2.5 text-left hover:bg-selected phone:min-h-11 ${act.isDanger ? "text-down" : ""}`}
              onClick={() => {
                onClose();
                act.onAct();
              }}>
              {act.label}
            </button>
          </li>
        ))}
      </ul>
    </Popover>
  );
}
