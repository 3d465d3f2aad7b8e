/** Whether the data of the agents is all here, and which of them are behind. */
import { ageSeconds, isBackfilling, isClockOff, shownAgent, silentS } from "../../lib/state";
import type { Agent, State } from "../../lib/types";

export type Lag = "offline" | "silent" | "stopped" | "unseen" | "backfilling" | "degraded" | "clock" | "losing";

export interface Behind {
  id: string;
  state: State;
  lag: Lag;
}

export interface DataHealth {
  /** The worst first: offline, never connected, catching up. */
  behind: readonly Behind[];
  /** Ids of those that are not. */
  well: readonly string[];
}

const ORDER: readonly Lag[] = ["offline", "silent", "degraded", "backfilling", "clock", "losing", "stopped", "unseen"];

function lagOf(agent: Agent, state: State, nowMs: number): Lag | null {
  if (!agent.last_seen_at) return "unseen";
  if (state === "down" || state === "unknown") return agent.offline_reason === "stopped" ? "stopped" : "offline";
  if (silentS(agent, nowMs) !== null) return "silent";
  if (isBackfilling(agent, nowMs)) return "backfilling";
  if (state === "degraded") return "degraded";
  return isClockOff(agent.clock_offset_ms) ? "clock" : agent.lost_24h.gaps > 0 ? "losing" : null;
}

/** Those that are revoked are watched no more. */
export function dataHealth(agents: readonly Agent[], nowMs: number): DataHealth {
  const behind: Behind[] = [];
  const well: string[] = [];
  for (const agent of agents) {
    if (agent.revoked_at) continue;
    const state = shownAgent(agent, nowMs);
    const lag = lagOf(agent, state, nowMs);
    if (lag) behind.push({ id: agent.id, state, lag });
    else well.push(agent.id);
  }
  behind.sort((a, b) => ORDER.indexOf(a.lag) - ORDER.indexOf(b.lag) || (a.id < b.id ? -1 : 1));
  return { behind, well };
}

/** Age of the oldest of the last acknowledgements, in seconds; null where none of them has sent anything. */
export function oldestAck(agents: readonly (Pick<Agent, "last_ack_at" | "devices"> | undefined)[], nowMs: number): number | null {
  let oldest: number | null = null;
  for (const agent of agents) {
    // One that polls nothing has nothing to send.
    const age = agent && agent.devices > 0 ? ageSeconds(agent.last_ack_at, nowMs) : null;
    if (age !== null) oldest = Math.max(oldest ?? 0, age);
  }
  return oldest;
}

export const LAG_WORD: Readonly<Record<Lag, string>> = {
  offline: "offline", silent: "silent", stopped: "stopped", unseen: "never connected", backfilling: "backfilling", degraded: "degraded", clock: "clock wrong", losing: "lost data in 24 h",
};
