import type { ReactNode } from "react";
import { fitLines } from "./fit";
import { useBox } from "./use-box";
import { LINE_EM, MoreLines } from "./wall-line";

interface Props<T> {
  label: string;
  rows: readonly T[];
  /** Height of a line in em. */
  line?: number;
  className?: string;
  renderLine: (row: T) => ReactNode;
}

/** As many lines as fit, and how many there are besides: nobody scrolls a wall. */
export function WallList<T>({ label, rows, line = LINE_EM, className = "", renderLine }: Props<T>) {
  const [ref, { height, em }] = useBox<HTMLUListElement>();
  const shown = em > 0 ? fitLines(rows.length, height, line * em) : 0;
  return (
    <ul ref={ref} aria-label={label} className={`min-h-0 flex-1 overflow-hidden ${className}`}>
      {rows.slice(0, shown).map(renderLine)}
      {em > 0 && shown < rows.length && <MoreLines count={rows.length - shown} />}
    </ul>
  );
}
