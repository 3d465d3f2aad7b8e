import type { CSSProperties, ReactNode } from "react";
import { fitLines, LINE_EM, lineSize } from "./fit";
import { useBox } from "./use-box";
import { MoreLines } from "./wall-line";

interface Props<T> {
  label: string;
  rows: readonly T[];
  /** Few lines stand in the middle of their room, unless something stands over them. */
  isBelow?: boolean;
  renderLine: (row: T) => ReactNode;
}

/** As many lines as fit, and how many there are besides: nobody scrolls a wall. A few are as large as there is room. */
export function WallList<T>({ label, rows, isBelow = false, renderLine }: Props<T>) {
  const [ref, box] = useBox<HTMLDivElement>();
  const isKnown = box.em > 0;
  const shown = isKnown ? fitLines(rows.length, box.height, LINE_EM * box.em) : 0;
  const { scale, isTall } = isKnown ? lineSize(shown + Number(shown < rows.length), box) : { scale: 1, isTall: false };
  // What stands below a title is a little smaller, and never below the least.
  const sizes = { "--line": isTall ? "4.6em" : "3.2em", "--note": `${Math.max(1 / scale, 0.8)}em` };
  return (
    <div ref={ref} className="min-h-0 flex-1 overflow-hidden">
      <ul aria-label={label} data-tall={isTall || undefined} style={{ fontSize: `${scale}em`, ...sizes } as CSSProperties}
        className={`flex h-full flex-col gap-[.3em] ${isBelow ? "" : "justify-center"}`}>
        {rows.slice(0, shown).map(renderLine)}
        {isKnown && shown < rows.length && <MoreLines count={rows.length - shown} />}
      </ul>
    </div>
  );
}
