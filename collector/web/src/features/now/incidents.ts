/**
 * What is wrong, told by where it comes from.
 *
 * An agent that is away holds everything behind it: nobody can say how that is. A device holds what
 * is wrong with its interfaces, sensors and configuration. One incident is one thing to go and mend.
 */
import { ordered, SEVERITIES, type Severity, severityOf, sinceOf, type Standing, standingOf, STANDINGS, summaryOf } from "../alerts/standing";
import { shownAgent } from "../../lib/state";
import type { Agent, Alert } from "../../lib/types";

export interface Incident {
  /** The id of the agent or the device that all of it goes back to. */
  root: string;
  /** The root is an agent that is not connected. */
  isAway: boolean;
  /** The alert that tells it: the root's own, or else the worst. */
  lead: Alert;
  /** All of them, the lead first, then the worst. */
  alerts: readonly Alert[];
  severity: Severity;
  standing: Standing;
  /** RFC 3339. */
  since: string;
  /** Devices behind the root of which nothing is known any more. */
  suppressed: number;
}

/** It was here, may come back, and is not connected. */
export function isAgentAway(agent: Pick<Agent, "state" | "last_seen_at" | "revoked_at"> | undefined, nowMs: number): boolean {
  if (!agent || agent.revoked_at || !agent.last_seen_at) return false;
  const state = shownAgent(agent, nowMs);
  return state === "down" || state === "unknown";
}

interface Known {
  /** By their ids. */
  agents: ReadonlyMap<string, Agent>;
  /** Devices of each agent whose state is unknown. */
  unknown: ReadonlyMap<string, number>;
  nowMs: number;
}

const least = <T>(order: readonly T[], found: readonly T[]): T => order.find((one) => found.includes(one)) ?? (order.at(-1) as T);

function incident(root: string, alerts: readonly Alert[], { agents, unknown, nowMs }: Known): Incident {
  const worst = ordered(alerts, "worst", nowMs);
  const agent = agents.get(root);
  const isAway = isAgentAway(agent, nowMs);
  // Of an agent that is away its own alert says more than those of what it polled.
  const lead = (isAway ? worst.find(({ device }) => device === null) : undefined) ?? (worst[0] as Alert);
  return {
    root, isAway, lead, alerts: [lead, ...worst.filter((one) => one !== lead)],
    severity: least(SEVERITIES, alerts.map(severityOf)),
    standing: least(STANDINGS, alerts.map((one) => standingOf(one, nowMs))),
    // Since nothing is heard of it: alerts begin later.
    since: isAway && agent?.last_seen_at ? agent.last_seen_at : sinceOf(lead),
    suppressed: isAway ? (unknown.get(root) ?? 0) : 0,
  };
}

/** The worst first, then what nobody looks after, then sites that are dark before single devices, then the newest. */
function inOrder(a: Incident, b: Incident): number {
  const rank = ({ severity, standing }: Incident) => SEVERITIES.indexOf(severity) * STANDINGS.length + STANDINGS.indexOf(standing);
  return rank(a) - rank(b) || Number(b.isAway) - Number(a.isAway) || Date.parse(b.since) - Date.parse(a.since) || (a.root < b.root ? -1 : 1);
}

export function incidentsOf(alerts: readonly Alert[], known: Known): Incident[] {
  const away = new Map<string, boolean>();
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (alert.phase === "resolved") continue;
    const { agent, device } = alert;
    let isAway = away.get(agent.id);
    if (isAway === undefined) away.set(agent.id, (isAway = isAgentAway(known.agents.get(agent.id), known.nowMs)));
    const root = isAway || !device ? agent.id : device.id;
    const group = groups.get(root);
    if (group) group.push(alert);
    else groups.set(root, [alert]);
  }
  return [...groups].map(([root, group]) => incident(root, group, known)).toSorted(inOrder);
}

/** Somebody looks after it, or nobody is to be told of it. */
export function isMuted({ standing }: Pick<Incident, "standing">): boolean {
  return standing === "acknowledged" || standing === "silenced";
}

/** What is wrong, in one line. `agent` is what the root is called. */
export function headline({ isAway, lead }: Pick<Incident, "isAway" | "lead">, agent: string): string {
  return isAway && lead.device !== null ? `${agent} is offline` : summaryOf(lead);
}
