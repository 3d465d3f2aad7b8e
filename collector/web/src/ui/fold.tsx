import type { ReactNode } from "react";
import { Icon } from "./icon";

interface Props {
  title: string;
  /** How it stands, while it is folded. */
  note: string;
  /** Something in it is wrong: it opens. */
  isWrong: boolean;
  children: ReactNode;
}

/** Fields that nearly nobody needs, folded away in their form. */
export function Fold({ title, note, isWrong, children }: Props) {
  return (
    <details className="group rounded-md border border-line px-3" open={isWrong || undefined} data-options>
      <summary className="flex min-h-9 cursor-pointer items-center gap-2 font-medium select-none phone:min-h-11">
        {title} <span className="flex-1 text-xs font-normal text-muted">{note}</span>
        <span className="text-muted group-open:rotate-180"><Icon name="chevron" size={14} /></span>
      </summary>
      <div className="flex flex-col gap-3 pb-3">{children}</div>
    </details>
  );
}
