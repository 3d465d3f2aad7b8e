import type { ReactNode } from "react";
import { Icon } from "./icon";

interface Props {
  children: ReactNode;
  /** What taking it away does: «Show all kinds». */
  label: string;
  onRemove: () => void;
}

/** A filter in force, that a click takes away. */
export function FilterChip({ children, label, onRemove }: Props) {
  return (
    <button type="button" title={label} onClick={onRemove} data-chip
      className="inline-flex h-7 max-w-full items-center gap-1.5 rounded-full border border-accent bg-selected pr-2 pl-3
        hover:bg-hover phone:h-11">
      <span className="clip">{children}</span>
      <span className="sr-only">, {label}</span>
      <span className="text-muted"><Icon name="close" size={11} /></span>
    </button>
  );
}
