import type { ReactNode } from "react";
import { fitLines, LINE_EM, lineSize } from "./fit";
import { useBox } from "./use-box";
import { MoreLines } from "./wall-line";

/** From here on what stands below a title may be smaller than that, and is still legible. */
const LARGE = 1.25;

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
  return (
    <div ref={ref} className="min-h-0 flex-1 overflow-hidden">
      {/* Made anew for another size: Chromium leaves lines that come in the same frame at the size before. */}
      <ul key={scale} aria-label={label} data-tall={isTall || undefined} data-large={scale >= LARGE || undefined} style={{ fontSize: `${scale}em` }}
        className={`flex h-full flex-col gap-[.3em] ${isBelow ? "" : "justify-center"}`}>
        {rows.slice(0, shown).map(renderLine)}
        {isKnown && shown < rows.length && <MoreLines count={rows.length - shown} />}
      </ul>
    </div>
  );
}
