/** How the sites are, from what is known of their devices, agents and alerts. */
import { byName, integer } from "../../lib/format";
import { shownAgent, STATE_WORD } from "../../lib/state";
import type { Agent, Alert, Device, Site, State } from "../../lib/types";
import { SEVERITIES, type Severity, severityOf } from "../alerts/standing";
import { caredFor, deviceTone, loudest, type Tone, worstState } from "../alerts/tone";

export type Counts = Record<State, number>;

export interface SiteStatus {
  id: string;
  name: string;
  tenant: Site["tenant"];
  devices: number;
  counts: Counts;
  /** Of the loudest of its devices: red while one is down that nobody looks after. The same on every page and on the wall. */
  tone: Tone;
  /** Revoked ones are left out. */
  agents: number;
  agentsUp: number;
  /** That have never connected. */
  agentsUnseen: number;
  alerts: number;
  /** Of its open alerts. */
  worst: Severity | null;
}

export const noCounts = (): Counts => ({ up: 0, degraded: 0, down: 0, unknown: 0 });

export function countStates(devices: readonly Pick<Device, "state">[]): Counts {
  const counts = noCounts();
  for (const { state } of devices) counts[state] += 1;
  return counts;
}

interface Told {
  /** Sites where nothing stands are known by this list alone. */
  sites?: readonly Site[] | undefined;
  /** With the states to show. */
  devices: readonly Device[];
  agents: readonly Agent[];
  alerts: readonly Alert[];
  nowMs: number;
}

function worse(a: Severity | null, b: Severity): Severity {
  return a !== null && SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b;
}

/** By their names. */
export function rollUp({ sites = [], devices, agents, alerts, nowMs }: Told): SiteStatus[] {
  const found = new Map<string, SiteStatus>();
  const at = ({ id, name }: Pick<Site, "id" | "name">, tenant: Site["tenant"]): SiteStatus => {
    let site = found.get(id);
    if (!site) found.set(id, (site = { id, name, tenant, devices: 0, counts: noCounts(), tone: "calm", agents: 0, agentsUp: 0, agentsUnseen: 0, alerts: 0, worst: null }));
    return site;
  };
  for (const site of sites) at(site, site.tenant);
  const cared = caredFor(alerts, nowMs);
  for (const device of devices) {
    const one = at(device.site, device.tenant);
    one.devices += 1;
    one.counts[device.state] += 1;
    one.tone = loudest([one.tone, deviceTone(device, cared)]);
  }
  for (const agent of agents) {
    if (agent.revoked_at) continue;
    const one = at(agent.site, agent.tenant);
    one.agents += 1;
    const state = shownAgent(agent, nowMs);
    if (state === "up" || state === "degraded") one.agentsUp += 1;
    else if (!agent.last_seen_at) one.agentsUnseen += 1;
  }
  for (const alert of alerts) {
    // An alert knows its site by the name of then: it makes no site by itself.
    const one = alert.phase === "resolved" ? undefined : found.get(alert.site.id);
    if (!one) continue;
    one.alerts += 1;
    one.worst = worse(one.worst, severityOf(alert));
  }
  return [...found.values()].toSorted((a, b) => byName(a.name, b.name) || byName(a.tenant.name, b.tenant.name) || (a.id < b.id ? -1 : 1));
}

/** The state of the site itself, by the worst of its devices; null where there is none. */
export function siteState({ devices, counts }: Pick<SiteStatus, "devices" | "counts">): State | null {
  return devices === 0 ? null : worstState(counts);
}

/** Its state in words: «1 down», «All down», «Up». */
export function siteWord({ devices, counts }: Pick<SiteStatus, "devices" | "counts">): string {
  const state = worstState(counts);
  const word = STATE_WORD[state];
  if (state === "up" || devices === 1) return word;
  return counts[state] === devices ? `All ${word.toLowerCase()}` : `${integer(counts[state])} ${word.toLowerCase()}`;
}

/** Of its agents those that are not connected: «, 1 away, 1 never connected»; empty where all are. */
export function agentsMissing({ agents, agentsUp, agentsUnseen }: Pick<SiteStatus, "agents" | "agentsUp" | "agentsUnseen">): string {
  const away = agents - agentsUp - agentsUnseen;
  return `${away > 0 ? `, ${integer(away)} away` : ""}${agentsUnseen > 0 ? `, ${integer(agentsUnseen)} never connected` : ""}`;
}

/** From 0 to 1: how much of it is not up. */
export function troubleShare({ devices, counts }: Pick<SiteStatus, "devices" | "counts">): number {
  return devices === 0 ? 0 : (devices - counts.up) / devices;
}

/** Those where something is not up, the worst share first, then the most devices. */
export function inTrouble(sites: readonly SiteStatus[]): SiteStatus[] {
  return sites.filter((site) => troubleShare(site) > 0)
    .toSorted((a, b) => troubleShare(b) - troubleShare(a) || b.counts.down - a.counts.down || b.devices - a.devices || byName(a.name, b.name));
}
