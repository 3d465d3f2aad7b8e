/** What comes live behind a loaded series. */
import { useState } from "react";
import type { Latest, TailPoint } from "./chart-data";

const NO_TAIL: readonly TailPoint[] = [];

interface Tail {
  key: string;
  points: readonly TailPoint[];
  /** Time of the newest point of each source. */
  seen: readonly number[];
}

/** Collects one point per update of each source; starts anew with `key`. */
export function useTail(latest: Latest, key: string): readonly TailPoint[] {
  const [kept, setKept] = useState<Tail>({ key, points: NO_TAIL, seen: [] });
  const tail = kept.key === key ? kept : { key, points: NO_TAIL, seen: [] };
  const fresh = latest.filter((point, i) => point !== null && point.t > (tail.seen[i] ?? 0)) as TailPoint[];
  if (fresh.length > 0) {
    // Derived from the row while rendering: no effect, no second paint.
    const points = [...tail.points, ...fresh].toSorted((a, b) => a.t - b.t);
    setKept({ key, points, seen: latest.map((point, i) => Math.max(point?.t ?? 0, tail.seen[i] ?? 0)) });
  }
  return tail.points;
}
