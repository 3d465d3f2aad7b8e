/** Of something that is so or not so: for how long it was the one or the other. */
import type { Column } from "./chart-data";

export interface FlagRun {
  /** Seconds. */
  from: number;
  to: number;
  /** 1 or 0; between them where a point joins both. */
  value: number;
}

/** What a sample says holds until the next one, and no longer than `gapS`: a gap stays one. */
export function flagRuns(times: readonly number[], column: Column, { from, to, gapS }: { from: number; to: number; gapS: number }): FlagRun[] {
  const runs: FlagRun[] = [];
  // Where something is compared with, its points stand between.
  const own = times.flatMap((t, i) => (column[i] === undefined ? [] : [{ t, value: column[i] ?? null }]));
  own.forEach(({ t, value }, i) => {
    if (value === null) return;
    const next = own[i + 1]?.t;
    // The last one holds for as long as samples usually stand apart.
    const usual = Math.min(gapS, t - (own[i - 1]?.t ?? t));
    const begin = Math.max(from, t);
    const end = Math.min(to, next !== undefined && next - t <= gapS ? next : t + usual);
    if (end < begin) return;
    const last = runs.at(-1);
    if (last && last.value === value && begin <= last.to) last.to = end;
    else runs.push({ from: begin, to: end, value });
  });
  return runs;
}
