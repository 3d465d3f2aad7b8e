/** How series turn into the columns of a chart, and what is said of them. */
import { NONE, reading } from "../../lib/format";
import type { MetricInfo, SeriesSet } from "../../lib/types";
import { type Gap, gapsOf, joined } from "./gaps";

export interface Line {
  label: string;
  /** Series that belong to it; several are summed. */
  match: RegExp;
  /** `chart-3` and `chart-4` are those of what is wrong: it is drawn in them only while there is any of it. */
  colour: "chart-in" | "chart-out" | "chart-3" | "chart-4";
  dash?: readonly number[];
}

export interface ChartSpec {
  id: string;
  title: string;
  unit: string;
  /** Octets are stored, bits are read. */
  scale: number;
  lines: readonly Line[];
  /** Of shares: the axis ends here. */
  max?: number;
  /** The area below each line is coloured. */
  filled?: boolean;
  /** Its lines are not asked for together: where one has a point, another has neither value nor gap. */
  apart?: boolean;
  /** Of something that is so or not so: which of both is well. It is no curve, but a strip. */
  good?: 0 | 1;
}

/** A value as the axis, the legend, the pointer and the table say it. */
export function valueWords(value: number | null | undefined, { unit, good }: Pick<ChartSpec, "unit" | "good">): string {
  if (good === undefined) return reading(value, unit);
  if (value === null || value === undefined) return NONE;
  return value >= 1 ? "yes" : value <= 0 ? "no" : "in part";
}

/** Nothing of what would be wrong: the colour of trouble is not for it. */
export function isCalm({ colour }: Pick<Line, "colour">, values: Column | undefined): boolean {
  return (colour === "chart-3" || colour === "chart-4") && !values?.some((value) => typeof value === "number" && value > 0);
}

/** Of an object, the metrics that the charts show. */
export function metricsFor(infos: readonly MetricInfo[], object: string, charts: readonly ChartSpec[]): string[] {
  const lines = charts.flatMap((chart) => chart.lines);
  return infos
    .filter((info) => info.object === object && lines.some((line) => line.match.test(info.metric)))
    .map((info) => info.metric);
}

/** Null is a gap; undefined is nothing at all, which a line crosses. */
export type Column = (number | null | undefined)[];

export interface ChartData {
  /** Seconds. */
  times: number[];
  /** One per line of the spec. */
  values: Column[];
  /** Min and max per line, when the server has joined several samples into one point. */
  bands: { min: Column; max: Column }[] | null;
  /** One per line: the same a day or a week before, moved to these times. */
  before?: Column[];
  /** Why there is no value, of all lines together. */
  gaps?: readonly Gap[];
}

function figure(value: number | string | null | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** Adds where both are known; a gap in one is a gap in the sum. */
function add(into: Column, at: number, value: number | null, fresh: boolean): void {
  const old = into[at];
  into[at] = fresh ? value : old === null || old === undefined || value === null ? null : old + value;
}

export function chartData(set: SeriesSet, spec: ChartSpec): ChartData {
  const stamps = new Set<number>();
  const mine = set.series.filter((series) => spec.lines.some((l) => l.match.test(series.metric)));
  for (const series of mine) {
    for (const point of series.points) if (typeof point[0] === "number") stamps.add(point[0]);
  }
  const sorted = [...stamps].toSorted((a, b) => a - b);
  const index = new Map(sorted.map((at, i) => [at, i]));
  const blank = (): Column => sorted.map(() => (spec.apart ? undefined : null));
  let banded = false;
  const bands: { min: Column; max: Column }[] = [];
  const values = spec.lines.map((line) => {
    const [value, min, max] = [blank(), blank(), blank()];
    let fresh = true;
    for (const series of mine) {
      if (!line.match.test(series.metric)) continue;
      for (const point of series.points) {
        const at = index.get(point[0] as number);
        if (at === undefined) continue;
        const scaled = [1, 2, 3].map((i) => {
          const raw = figure(point[i]);
          return raw === null ? null : raw * spec.scale;
        });
        const [v = null, lo = null, hi = null] = scaled;
        if (lo !== null && hi !== null && hi - lo > 1e-9) banded = true;
        add(value, at, v, fresh);
        add(min, at, lo, fresh);
        add(max, at, hi, fresh);
      }
      fresh = false;
    }
    bands.push({ min, max });
    return value;
  });
  const end = Date.parse(set.to) / 1000 || 0;
  const gaps = joined(mine.flatMap(({ points }) => gapsOf(points, end)));
  return { times: sorted.map((ms) => ms / 1000), values, bands: banded ? bands : null, ...(gaps.length > 0 ? { gaps } : {}) };
}

/** What the stream adds behind the loaded series. */
export interface TailPoint {
  t: number;
  /** By chart, one value for each of its lines. */
  charts: Readonly<Record<string, Column>>;
}

/** What is known by now, from each source that tells of it. */
export type Latest = readonly (TailPoint | null)[];

/** Appends the tail; a pause longer than `gapS` stays a gap. */
export function withTail(
  data: ChartData,
  tail: readonly TailPoint[],
  { id, apart }: Pick<ChartSpec, "id" | "apart">,
  gapS: number,
): ChartData {
  let last = data.times.at(-1) ?? 0;
  const times = [...data.times];
  const values = data.values.map((column) => [...column]);
  const bands = data.bands?.map(({ min, max }) => ({ min: [...min], max: [...max] })) ?? null;
  const push = (t: number, row: Column) => {
    times.push(t);
    const cell = (i: number) => (apart ? row[i] : (row[i] ?? null));
    values.forEach((column, i) => column.push(cell(i)));
    bands?.forEach(({ min, max }, i) => {
      min.push(cell(i));
      max.push(cell(i));
    });
  };
  for (const point of tail) {
    if (point.t <= last) continue;
    const row = point.charts[id];
    if (!row) continue;
    if (last > 0 && point.t - last > gapS) push(last + (point.t - last) / 2, row.map(() => null));
    push(point.t, row);
    last = point.t;
  }
  return { ...data, times, values, bands };
}

export interface Figures {
  last: number | null;
  /** Seconds: when `last` was so; -Infinity when nothing is known. */
  at: number;
  peak: number | null;
}

/** What a legend says of each line between two instants, in seconds. */
export function figuresIn(data: ChartData, from: number, to: number): Figures[] {
  return data.values.map((column, line) => {
    // Where samples are joined, the mean hides the peak.
    const tops = data.bands?.[line]?.max ?? column;
    const found: Figures = { last: null, at: Number.NEGATIVE_INFINITY, peak: null };
    data.times.forEach((t, i) => {
      if (t < from || t > to) return;
      const value = column[i] ?? null;
      if (value === null) return;
      found.last = value;
      found.at = t;
      found.peak = Math.max(found.peak ?? value, tops[i] ?? value);
    });
    return found;
  });
}
