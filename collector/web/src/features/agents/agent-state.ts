/** The state to show of an agent, and a word on it. */
import { duration } from "../../lib/format";
import { toldNow, useEachSecond } from "../../lib/live-app";
import { isBackfilling, isClockOff, shownAgent, silentS } from "../../lib/state";
import type { Agent, State } from "../../lib/types";

/** A certificate lives seven days and is renewed at half of that: with less than this left something keeps it from being renewed. */
const CERTIFICATE_LOW_S = 2 * 86_400;

/** How long its certificate holds; null for one that has none, or is revoked. */
export function certificateOf({ certificate_expires_at: at, revoked_at: revoked }: Pick<Agent, "certificate_expires_at" | "revoked_at">, nowMs: number) {
  if (!at || revoked) return null;
  const left = Math.floor((Date.parse(at) - nowMs) / 60_000) * 60;
  return { isLate: left < CERTIFICATE_LOW_S, word: left <= 0 ? "certificate expired" : `certificate ends in ${duration(left)}` };
}

export interface AgentState {
  state: State;
  note: string | null;
}

export function told(agent: Agent, nowMs: number): AgentState {
  const state = shownAgent(agent, nowMs);
  if (agent.revoked_at) return { state, note: "revoked" };
  if (!agent.last_seen_at) return { state, note: "never connected" };
  if (state !== agent.state) return { state, note: "stale" };
  const silent = silentS(agent, nowMs);
  if (silent !== null) return { state: "degraded", note: `silent for ${silent} s` };
  const late = certificateOf(agent, nowMs);
  if (late?.isLate) return { state, note: late.word };
  if (isClockOff(agent.clock_offset_ms)) return { state, note: "clock wrong" };
  if (state === "up" && isBackfilling(agent, nowMs)) return { state, note: "backfilling" };
  return { state, note: agent.lost_24h.gaps > 0 ? "lost data" : null };
}

/** Renders anew only when it turns. */
export function useAgentState(agent: Agent | undefined): AgentState {
  const text = useEachSecond(() => {
    if (!agent) return "unknown\n";
    const { state, note } = told(agent, toldNow());
    return `${state}\n${note ?? ""}`;
  });
  const [state, note] = text.split("\n");
  return { state: state as State, note: note || null };
}
