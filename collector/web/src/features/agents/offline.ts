/** Why nothing can be asked of an agent now. */
import { useEffect } from "react";
import { sinceTime } from "../../lib/format";
import { live, toldNow, useAgent, useEachSecond } from "../../lib/live-app";
import { shownAgent } from "../../lib/state";
import type { Agent } from "../../lib/types";

type Told = Pick<Agent, "state" | "last_seen_at" | "revoked_at" | "offline_reason">;

/** Null while it is connected, and where nobody knows it. */
export function offlineWords(agent: Told | undefined, nowMs: number): string | null {
  if (!agent) return null;
  if (agent.revoked_at) return "The agent is revoked.";
  if (!agent.last_seen_at) return "The agent has never connected.";
  const state = shownAgent(agent, nowMs);
  if (state === "up" || state === "degraded") return null;
  const what = agent.offline_reason === "stopped" ? "stopped" : "offline";
  return `The agent is ${what} since ${sinceTime(agent.last_seen_at, nowMs)}.`;
}

/** The same of the agent with this id, kept up to date. */
export function useOffline(id: string): string | null {
  useEffect(() => live.ensureAgents(), []);
  const agent = useAgent(id);
  return useEachSecond(() => offlineWords(agent, toldNow()));
}
