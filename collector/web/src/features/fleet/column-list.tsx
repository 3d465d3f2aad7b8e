import type { RefObject } from "react";
import { Button } from "../../ui/button";
import { Popover } from "../../ui/popover";
import { choices, shownColumns, toggledColumn } from "./column-set";

interface Props {
  /** As the URL has it. */
  cols: string | undefined;
  isMixed: boolean;
  anchor: RefObject<HTMLElement | null>;
  onChange: (cols: string | undefined) => void;
  onClose: () => void;
}

/** Each column with a box: the URL holds them, so that a saved view does too. */
export function ColumnList({ cols, isMixed, anchor, onChange, onClose }: Props) {
  const shown = new Set(shownColumns(cols, isMixed).map(({ id }) => id));
  return (
    <Popover label="Columns" anchor={anchor} align="end" className="w-56" onClose={onClose}>
      <ul>
        {choices(isMixed).map(({ id, header }) => (
          <li key={id}>
            <label className="flex min-h-7 items-center gap-2.5 rounded-md px-2.5 hover:bg-selected">
              <input type="checkbox" className="size-3.5 accent-accent" checked={shown.has(id)} data-column={id} onChange={() => onChange(toggledColumn(cols, id))} />
              {header}
            </label>
          </li>
        ))}
      </ul>
      {cols === undefined
        ? <p className="mt-1 border-t border-line px-2.5 pt-1.5 text-xs text-muted">Those that have values, as many as there is room for.</p>
        : <Button look="quiet" className="mt-1 w-full" onClick={() => onChange(undefined)}>As many as there is room for</Button>}
    </Popover>
  );
}
