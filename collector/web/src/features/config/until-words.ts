/** When something is due: «in 3 h 5 min», «now». */
import { duration, NONE } from "../../lib/format";

export function untilWords(at: string | null, nowMs: number): string {
  if (at === null) return NONE;
  const seconds = (Date.parse(at) - nowMs) / 1000;
  if (!Number.isFinite(seconds)) return NONE;
  return seconds <= 1 ? "now" : `in ${duration(seconds)}`;
}
