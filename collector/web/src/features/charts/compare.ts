/** A range beside the same one a day or a week before: moved columns, and the difference in words. */
import type { Range, Span } from "../../lib/range";
import type { ChartData, Column } from "./chart-data";

export const COMPARES = ["1d", "7d"] as const;
export type Compare = (typeof COMPARES)[number];

export const COMPARE_WORD: Readonly<Record<Compare, string>> = { "1d": "the day before", "7d": "the week before" };
const DAY_S = 86_400;
export const SHIFT_S: Readonly<Record<Compare, number>> = { "1d": DAY_S, "7d": 7 * DAY_S };

/** What is asked for of the time before. A live range slides on: of what was then after it, half as much again is asked for at once. */
export function spanBefore({ from, to }: Span, compare: Compare, range: Range): Span {
  const shift = SHIFT_S[compare] * 1000;
  const ahead = range.to === "now" ? Math.min((to - from) / 2, shift) : 0;
  return { from: from - shift, to: to - shift + ahead };
}

/** Both on one time axis. Where the one has a point, the other has neither a value nor a gap. */
export function withBefore(data: ChartData, before: ChartData, shiftS: number): ChartData {
  const times = [...new Set([...data.times, ...before.times.map((t) => t + shiftS)])].toSorted((a, b) => a - b);
  const index = new Map(times.map((t, i) => [t, i]));
  const placed = (column: Column, from: readonly number[], by: number): Column => {
    const all: Column = times.map(() => undefined);
    column.forEach((value, i) => {
      const at = index.get((from[i] ?? 0) + by);
      if (at !== undefined) all[at] = value;
    });
    return all;
  };
  const own = (column: Column) => placed(column, data.times, 0);
  return {
    ...data,
    times,
    values: data.values.map(own),
    bands: data.bands?.map(({ min, max }) => ({ min: own(min), max: own(max) })) ?? null,
    before: before.values.map((column) => placed(column, before.times, shiftS)),
  };
}

/** «+12 %», «−100 %»; nothing where there was nothing to compare with. */
export function difference(now: number | null | undefined, before: number | null | undefined): string {
  if (typeof now !== "number" || typeof before !== "number" || before === 0) return "";
  const share = Math.round(((now - before) / Math.abs(before)) * 100);
  if (Math.abs(share) > 999) return share > 0 ? "> +999 %" : "< −999 %";
  return share === 0 ? "±0 %" : `${share > 0 ? "+" : "−"}${Math.abs(share)} %`;
}
