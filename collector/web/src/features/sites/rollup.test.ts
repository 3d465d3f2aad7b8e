import { expect, it } from "vitest";
import type { Agent, Alert, Device, Site } from "../../lib/types";
import { agentsMissing, inTrouble, rollUp, siteState, siteWord, troubleShare } from "./rollup";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const now = new Date(NOW).toISOString();
const tenant = { id: "ten_1", name: "Alpine Fibre" };
const site = (id: string) => ({ id, name: id, tenant }) as Site;
const device = (at: string, state: string) => ({ id: `${at} ${state}`, site: { id: at, name: at }, tenant, state }) as unknown as Device;
const agent = (at: string, more: Partial<Agent> = {}) =>
  ({ site: { id: at, name: at }, tenant, state: "up", last_seen_at: now, revoked_at: null, ...more }) as unknown as Agent;
const alert = (at: string, severity: string, phase = "firing") => ({ site: { id: at, name: at }, severity, phase, device: null }) as unknown as Alert;
const all = rollUp({
  sites: [site("mast 10"), site("mast 2")], nowMs: NOW,
  devices: [device("depot", "up"), device("depot", "down"), device("mast 2", "up"), device("hill", "unknown")],
  agents: [agent("depot"), agent("depot", { state: "down" }), agent("depot", { revoked_at: now }), agent("mast 2")],
  alerts: [alert("depot", "info"), alert("depot", "critical"), alert("depot", "warning"), alert("depot", "critical", "resolved"), alert("nowhere", "critical")],
});

it("counts what stands at each site, also where nothing does", () => {
  expect(all.map(({ name, devices, agents, agentsUp, alerts, worst }) => [name, devices, agentsUp, agents, alerts, worst])).toEqual([
    ["depot", 2, 1, 2, 3, "critical"], ["hill", 1, 0, 0, 0, null], ["mast 2", 1, 1, 1, 0, null], ["mast 10", 0, 0, 0, 0, null],
  ]);
});

it("tells an agent that is away from one that never came", () => {
  const [one] = rollUp({ devices: [], sites: [site("depot")], alerts: [], nowMs: NOW, agents: [agent("depot"), agent("depot", { state: "down" }), agent("depot", { state: "unknown", last_seen_at: null })] });
  expect(one && agentsMissing(one)).toBe(", 1 away, 1 never connected");
  expect(agentsMissing({ agents: 1, agentsUp: 1, agentsUnseen: 0 })).toBe("");
});

it("has a state for a site", () => {
  expect(all.map(siteState)).toEqual(["down", "unknown", "up", null]);
  expect(all.map(siteWord)).toEqual(["1 down", "Unknown", "Up", "Up"]);
  expect(siteWord({ devices: 3, counts: { up: 0, degraded: 0, down: 3, unknown: 0 } })).toBe("All down");
});

it("is red while something is down that nobody looks after", () => {
  expect(all.map(({ tone }) => tone)).toEqual(["alarm", "muted", "calm", "calm"]);
  const down = device("depot", "down");
  const ack = { ...alert("depot", "critical"), device: { id: down.id, name: "r1" }, ack: { by: "noc", at: now, note: null } } as unknown as Alert;
  const [depot] = rollUp({ devices: [down, device("depot", "up")], agents: [], alerts: [ack], nowMs: NOW });
  expect(depot && [siteState(depot), depot.tone]).toEqual(["down", "muted"]);
});

it("ranks the sites in trouble by the share that is not up", () => {
  expect(inTrouble(all).map(({ name }) => name)).toEqual(["hill", "depot"]);
  expect(all.map(troubleShare)).toEqual([0.5, 1, 0, 0]);
});
