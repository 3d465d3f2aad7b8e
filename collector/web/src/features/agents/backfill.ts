/** How far an agent is with sending what it kept through an outage. */
import { duration, integer } from "../../lib/format";
import type { Agent } from "../../lib/types";

export interface Progress {
  /** Of a hundred; null where nobody knows how much it was. */
  share: number | null;
  left: string;
  /** How long still, where that can be told. */
  still: string | null;
}

/** Sooner, or with less of it done, the pace says nothing. */
const [PACE_AFTER_S, PACE_SHARE] = [5, 0.01];

function pace(batches: number, { backfill }: Pick<Agent, "backfill">, nowMs: number): { share: number; still: string | null } | null {
  const all = backfill?.batches_at_start ?? 0;
  if (!backfill || all <= 0 || !backfill.began_at) return null;
  const done = Math.max(0, all - batches) / all;
  const seconds = (nowMs - Date.parse(backfill.began_at)) / 1000;
  const isTold = seconds >= PACE_AFTER_S && done >= PACE_SHARE;
  const leftS = isTold ? (seconds * (1 - done)) / done : null;
  const still = leftS === null ? null : leftS < 60 ? "less than a minute still" : `about ${duration(Math.ceil(leftS / 60) * 60)} still`;
  // What is not over is never told to be whole.
  return { share: Math.min(99, Math.floor(100 * done)), still };
}

/** Up to when all it measured has come, as far as it told when it was heard last; null where nobody knows. */
export function hereUpTo({ buffer, last_ack_at: acked }: Pick<Agent, "buffer" | "last_ack_at">): string | null {
  if (!buffer || !acked) return null;
  const oldest = buffer.batches > 0 ? buffer.oldest_at : null;
  return oldest && Date.parse(oldest) < Date.parse(acked) ? oldest : acked;
}

/** Null where nothing waits. `nowMs` is the time of the collector. */
export function progressOf(agent: Pick<Agent, "backfill" | "buffer">, nowMs: number): Progress | null {
  const { buffer } = agent;
  if (!buffer || buffer.batches === 0) return null;
  const told = pace(buffer.batches, agent, nowMs);
  return { share: told?.share ?? null, left: `${integer(buffer.batches)} ${buffer.batches === 1 ? "batch" : "batches"} left`, still: told?.still ?? null };
}
