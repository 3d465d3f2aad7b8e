/** The caption of a chart, and what the pointer reads from it. */
import { type ReactNode, type Ref, useImperativeHandle, useRef } from "react";
import type uPlot from "uplot";
import { NONE } from "../../lib/format";
import { nothingWords } from "../../lib/gap-words";
import { type ChartSpec, type Line, valueWords } from "./chart-data";
import { places } from "./chart-options";
import { useWhyWords, useZoneWords } from "./chart-scope";
import { difference } from "./compare";
import { causeAt, type Gap } from "./gaps";
import type { Hole } from "./why";

const TEXT = {
  "chart-in": "bg-chart-in",
  "chart-out": "bg-chart-out",
  "chart-3": "bg-degraded",
  "chart-4": "bg-down",
} as const;

/** Points of other lines that may lie between the pointer and a line's own. */
const NEIGHBOURS = 8;

export interface Readout {
  /** Seconds. */
  time: number;
  /** One per line; null is a gap. `max` only where a point joins several samples, `before` only where that is compared with. */
  values: { value: number | null; max: number | null; before: number | null }[];
  /** Why a line has no value here; null where all have one, or none was told. */
  cause: string | null;
  /** No line has a value here, and no cause was told. */
  hole: Hole | null;
}

interface Shape {
  lines: number;
  banded: boolean;
  compared: boolean;
  gapS: number;
  gaps?: readonly Gap[] | undefined;
}

export function readout(plot: uPlot, { lines, banded, compared, gapS, gaps }: Shape): Readout | null {
  const { left, idx } = plot.cursor;
  if (left === undefined || left < 0) return null;
  const time = plot.posToVal(left, "x");
  const at = idx === null || idx === undefined ? undefined : plot.data[0][idx];
  // The nearest sample may be far off: then there is nothing here.
  const near = at !== undefined && Math.abs(at - time) <= gapS;
  const cell = (series: number) => (near ? told(plot, series, idx ?? 0, time, gapS) : null);
  const values = Array.from({ length: lines }, (_, i) => {
    const place = places(lines, i, compared);
    return { value: cell(place.value), max: banded ? cell(place.max) : null, before: compared ? cell(place.before) : null };
  });
  // The pointer's own time: each chart has samples at times of its own, and all are read at one instant.
  const cause = values.some(({ value }) => value === null) ? causeAt(gaps, time) : null;
  const isHole = cause === null && values.every(({ value }) => value === null);
  return { time, values, cause, hole: isHole ? holeAt(plot.data, lines, time, plot.scales["x"] ?? {}) : null };
}

/** From the last time before with a value to the first one after, or the ends of the range. */
export function holeAt([times, ...columns]: uPlot.AlignedData, lines: number, time: number, { min, max }: { min?: number; max?: number }): Hole {
  const own = columns.slice(0, lines);
  const known = Array.from(times).filter((_, i) => own.some((column) => typeof column[i] === "number"));
  const before = known.findLast((at) => at <= time);
  return { at: time, from: before ?? min ?? time, to: known.find((at) => at > time) ?? max ?? time, isFirst: before === undefined };
}

/** What a line says at a point. Where it has none of its own, its nearest one within `gapS` counts. */
function told(plot: uPlot, series: number, idx: number, time: number, gapS: number): number | null {
  const column = plot.data[series];
  for (let off = 0; off <= NEIGHBOURS; off += 1) {
    for (const at of [idx - off, idx + off]) {
      const value = column?.[at];
      if (value !== undefined && Math.abs((plot.data[0][at] ?? Infinity) - time) <= gapS) return value;
    }
  }
  return null;
}

/** Both layers of a caption share one cell, so that nothing moves when the pointer comes. */
export const LAYER = "col-start-1 row-start-1 flex flex-wrap items-center gap-x-4";

export function Key({ line, isCalm = false, children }: { line: Line; isCalm?: boolean | undefined; children: ReactNode }) {
  return (
    <span className="inline-flex items-center gap-1.5 text-xs text-muted">
      <span className={`h-0.5 w-3 ${isCalm ? "bg-faint" : TEXT[line.colour]} ${line.dash ? "opacity-60" : ""}`} aria-hidden="true" />
      {line.label}
      {children}
    </span>
  );
}

export interface Pointer {
  show: (at: Readout | null) => void;
}

interface LayerProps {
  spec: ChartSpec;
  calm: readonly boolean[];
  /** Without the time, where there is no room for it: the charts around say it. */
  isBrief?: boolean;
  ref: Ref<Pointer>;
}

/** What stands under the pointer. Written past React: it changes with every pixel. */
export function PointerLayer({ spec, calm, isBrief = false, ref }: LayerProps) {
  const box = useRef<HTMLDivElement>(null);
  const { clock, dayMonth } = useZoneWords();
  const whyWords = useWhyWords();
  useImperativeHandle(ref, () => ({
    show: (at) => {
      const layer = box.current;
      layer?.parentElement?.toggleAttribute("data-pointed", at !== null);
      if (!layer || !at) return;
      // In place of the values, so that the caption is no longer than with them.
      layer.toggleAttribute("data-none", at.values.every(({ value, before }) => value === null && before === null));
      const [time, ...values] = layer.querySelectorAll("[data-readout]");
      const why = values.pop();
      if (time) time.textContent = `${dayMonth(at.time * 1000)} ${clock(at.time * 1000, true)}`;
      if (why) why.textContent = at.cause !== null ? `no data: ${nothingWords(at.cause)}` : at.hole ? whyWords(at.hole) : "";
      values.forEach((cell, i) => {
        cell.textContent = readoutText(at.values[i], spec);
      });
    },
  }), [spec, clock, dayMonth, whyWords]);
  return (
    <div ref={box} aria-hidden="true" className={`group/layer ${LAYER} invisible group-data-pointed/caption:visible`}>
      <span className={isBrief ? "hidden" : "font-medium"} data-readout="time" />
      {spec.lines.map((line, i) => (
        <span key={line.label} className="contents group-data-none/layer:hidden">
          <Key line={line} isCalm={calm[i]}><span className="text-text" data-readout="value" /></Key>
        </span>
      ))}
      <span className="min-w-0 text-xs" data-readout="why" />
    </div>
  );
}

function readoutText(cell: Readout["values"][number] | undefined, spec: Pick<ChartSpec, "unit" | "good">): string {
  if (!cell) return NONE;
  const max = cell.value === null || cell.max === null ? "" : `, max ${valueWords(cell.max, spec)}`;
  const before = cell.before === null ? "" : ` · before ${[valueWords(cell.before, spec), difference(cell.value, cell.before)].filter(Boolean).join(", ")}`;
  return valueWords(cell.value, spec) + max + before;
}
