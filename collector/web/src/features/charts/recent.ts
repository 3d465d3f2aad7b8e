/** Ranges that were used lately, newest first. They are of this browser: nobody else's. */
import * as v from "valibot";
import type { Range } from "../../lib/range";

const KEY = "farwatch.ranges";
export const RECENT_MAX = 5;

const shape = v.array(v.object({ from: v.pipe(v.string(), v.maxLength(20)), to: v.pipe(v.string(), v.maxLength(20)) }));

export function recentRanges(): Range[] {
  try {
    const kept = v.safeParse(shape, JSON.parse(localStorage.getItem(KEY) ?? "[]"));
    return kept.success ? kept.output.slice(0, RECENT_MAX) : [];
  } catch {
    // Storage is closed to us, or somebody else wrote there.
    return [];
  }
}

export function withRecent(all: readonly Range[], range: Range): Range[] {
  return [range, ...all.filter(({ from, to }) => from !== range.from || to !== range.to)].slice(0, RECENT_MAX);
}

export function rememberRange(range: Range): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(withRecent(recentRanges(), range)));
  } catch {
    // It is not kept.
  }
}
