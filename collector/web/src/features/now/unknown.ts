/** Devices of which nothing is known, by the reason for it. */
import { causeWord, type ShownCause, shownState, stateWord } from "../../lib/state";
import type { Agent, Device } from "../../lib/types";
import { isAgentAway } from "./incidents";

/** What keeps the news away: an agent that is not here, a first answer, old age, or that nobody asks. */
export type Reason = "agent" | "waiting" | "stale" | "unasked";

export interface UnknownDevice {
  id: string;
  /** Of the last news, or since it is watched: RFC 3339. */
  since: string;
}

export interface UnknownGroup {
  key: string;
  reason: Reason;
  /** Of `agent`: which one. */
  agent: string | null;
  /** Of `unasked`: why. */
  cause: ShownCause | null;
  /** Unknown for longest first. */
  devices: readonly UnknownDevice[];
}

const ORDER: readonly Reason[] = ["agent", "stale", "waiting", "unasked"];
const REASONS: Readonly<Partial<Record<ShownCause, Reason>>> = {
  agent_offline: "agent", agent_revoked: "agent", agent_unseen: "agent", pending: "waiting", stale: "stale", gap: "stale",
};

function reasonOf(cause: ShownCause | null, agent: Agent | undefined, nowMs: number): Reason {
  const told = cause ? (REASONS[cause] ?? "unasked") : "waiting";
  // Whatever was told last: an agent that is away tells nothing new.
  return told !== "unasked" && isAgentAway(agent, nowMs) ? "agent" : told;
}

/** `toldMs`: up to when there is news of the agents. */
export function unknownOf(devices: readonly Device[], agents: ReadonlyMap<string, Agent>, nowMs: number, toldMs = nowMs): UnknownGroup[] {
  const groups = new Map<string, UnknownGroup & { devices: UnknownDevice[] }>();
  for (const device of devices) {
    const agent = agents.get(device.agent.id);
    const { state, cause } = shownState(device, nowMs, { agent });
    if (state !== "unknown") continue;
    const reason = reasonOf(cause, agent, toldMs);
    const key = reason === "agent" ? device.agent.id : reason === "unasked" ? `unasked ${cause}` : reason;
    let group = groups.get(key);
    if (!group) {
      group = { key, reason, agent: reason === "agent" ? device.agent.id : null, cause: reason === "unasked" ? cause : null, devices: [] };
      groups.set(key, group);
    }
    group.devices.push({ id: device.id, since: device.last_sample_at ?? device.created_at });
  }
  for (const { devices: found } of groups.values()) found.sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
  return [...groups.values()].toSorted((a, b) =>
    ORDER.indexOf(a.reason) - ORDER.indexOf(b.reason) || b.devices.length - a.devices.length || (a.key < b.key ? -1 : 1));
}

/** How many of each agent's devices are unknown. */
export function unknownByAgent(devices: readonly Pick<Device, "agent" | "state">[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { agent, state } of devices) if (state === "unknown") counts.set(agent.id, (counts.get(agent.id) ?? 0) + 1);
  return counts;
}

/** What the agent does not ask at all, and what was asked and has not answered yet. */
function notAsked(cause: ShownCause | null): string {
  if (cause === "timeout") return "No answer yet";
  const words = causeWord(cause) ?? "not known why";
  return stateWord("unknown", cause) === "Not asked" ? `Not asked: ${words}` : words[0]?.toUpperCase() + words.slice(1);
}

/** Why, in words. `agent` is what the agent is called, `row` what is known of it. */
export function reasonWords({ reason, cause }: Pick<UnknownGroup, "reason" | "cause">, agent: string, row: Pick<Agent, "revoked_at" | "last_seen_at"> | undefined): string {
  switch (reason) {
    case "agent":
      if (row?.revoked_at) return `Agent ${agent} is revoked`;
      return row && !row.last_seen_at ? `Agent ${agent} has never connected` : `Agent ${agent} is away`;
    case "waiting":
      return "No answer yet";
    case "stale":
      return "Last values are too old";
    default:
      return notAsked(cause);
  }
}
