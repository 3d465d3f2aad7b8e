/** The state to show of an agent, and a word on it. */
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { isBackfilling, shownAgent } from "../../lib/state";
import type { Agent, State } from "../../lib/types";

export interface AgentState {
  state: State;
  note: string | null;
}

function told(agent: Agent, nowMs: number): AgentState {
  const state = shownAgent(agent, nowMs);
  if (agent.revoked_at) return { state, note: "revoked" };
  if (!agent.last_seen_at) return { state, note: "never connected" };
  if (state !== agent.state) return { state, note: "stale" };
  return { state, note: state === "up" && isBackfilling(agent, nowMs) ? "backfilling" : null };
}

/** Renders anew only when it turns. */
export function useAgentState(agent: Agent | undefined): AgentState {
  const text = useEachSecond(() => {
    if (!agent) return "unknown\n";
    const { state, note } = told(agent, serverNow());
    return `${state}\n${note ?? ""}`;
  });
  const [state, note] = text.split("\n");
  return { state: state as State, note: note || null };
}
