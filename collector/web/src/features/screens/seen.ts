/** Whether a screen shows now, by when it asked last. */
import { duration } from "../../lib/format";
import type { State } from "../../lib/types";

/** It asks each minute, and the collector notes that each minute at most: the third is one too many. */
const SILENT_MS = 180_000;

export function seenWords(at: string | null, nowMs: number): { state: State; word: string } {
  if (at === null) return { state: "unknown", word: "Not opened yet" };
  const ms = nowMs - Date.parse(at);
  if (ms < SILENT_MS) return { state: "up", word: "Showing now" };
  return { state: "unknown", word: `Silent for ${duration(ms / 1000)}` };
}
