import { useLayoutEffect, useRef } from "react";
import { squares } from "./fit";
import { type Cell, drawMosaic, wordOf } from "./mosaic-draw";
import { useBox } from "./use-box";

/** The largest cell, in em. */
const CELL_EM = 5;

/** A shape for each device: for fleets of which nobody could read the names. */
export function Mosaic({ cells, label }: { cells: readonly Cell[]; label: string }) {
  const [ref, { width, height, em }] = useBox<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { columns, size } = squares(cells.length, width, height, CELL_EM * em);
  // Values of devices change every second, how they stand seldom: only that is drawn.
  const told = cells.map(wordOf).join();
  useLayoutEffect(() => {
    if (canvas.current && size > 0) drawMosaic(canvas.current, told, columns, size);
  }, [told, columns, size]);
  return (
    <div ref={ref} className="grid min-h-0 flex-1 place-items-center overflow-hidden">
      <canvas ref={canvas} role="img" aria-label={label} data-wall-mosaic={cells.length}
        style={{ width: columns * size, height: Math.ceil(cells.length / columns) * size }} />
    </div>
  );
}
