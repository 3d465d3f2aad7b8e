import { expect, it } from "vitest";
import type { Agent, Device } from "../../lib/types";
import { reasonWords, unknownByAgent, unknownOf } from "./unknown";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const device = (id: string, cause: string | null, more: Partial<Device> = {}) => ({
  id, state: "unknown", cause, interval_s: 60, last_sample_at: ago(900), created_at: ago(9000), agent: { id: "agt_1", name: "box-1" }, ...more,
}) as unknown as Device;
const here = { id: "agt_1", state: "up", last_seen_at: ago(1), revoked_at: null } as unknown as Agent;
const away = { ...here, state: "down", last_seen_at: ago(600) } as Agent;
const groups = (devices: readonly Device[], agent: Agent | null = here) =>
  unknownOf(devices, new Map(agent ? [[agent.id, agent]] : []), NOW).map(({ key, reason, devices: found }) => [key, reason, found.map(({ id }) => id).join()]);

it("leaves out what is known, and takes news that grew too old as unknown", () => {
  expect(groups([device("up", null, { state: "up", last_sample_at: ago(5) }), device("down", "timeout", { state: "down" })])).toEqual([]);
  expect(groups([device("old", null, { state: "up" })])).toEqual([["stale", "stale", "old"]]);
});

it("groups by the reason, the agents first, the longest unknown on top", () => {
  const other = { agent: { id: "agt_2", name: "box-2" } };
  expect(groups([
    device("new", "pending", { last_sample_at: null }), device("bare", "no_credential"), device("gone", "agent_offline", other),
    device("b", "stale"), device("a", "gap", { last_sample_at: ago(5000) }), device("name", "unresolved"),
  ])).toEqual([
    ["agt_2", "agent", "gone"], ["stale", "stale", "a,b"], ["waiting", "waiting", "new"],
    ["unasked no_credential", "unasked", "bare"], ["unasked unresolved", "unasked", "name"],
  ]);
});

it("an agent that is away explains what was said before it went", () => {
  expect(groups([device("a", "stale"), device("b", "pending"), device("c", "no_credential")], away)).toEqual([
    ["agt_1", "agent", "a,b"], ["unasked no_credential", "unasked", "c"],
  ]);
  const unseen = { ...here, state: "unknown", last_seen_at: null } as unknown as Agent;
  expect(groups([device("a", "pending", { last_sample_at: null })], unseen)).toEqual([["agt_1", "agent", "a"]]);
});

it("says the reason in words", () => {
  const words = (reason: "agent" | "waiting", row?: Agent) => reasonWords({ reason, cause: null }, "box-1", row);
  expect([words("agent", away), words("agent", { ...away, last_seen_at: null }), words("agent", { ...away, revoked_at: ago(1) }), words("waiting")])
    .toEqual(["Agent box-1 is away", "Agent box-1 has never connected", "Agent box-1 is revoked", "No answer yet"]);
  expect(reasonWords({ reason: "unasked", cause: "no_credential" }, "", undefined)).toBe("Not asked: no credential");
  // These were asked.
  expect(reasonWords({ reason: "unasked", cause: "timeout" }, "", undefined)).toBe("No answer yet");
  expect(reasonWords({ reason: "unasked", cause: "auth" }, "", undefined)).toBe("Wrong credential");
});

it("says of no agent that it is away while there is no news of it", () => {
  const silent = { ...here, last_seen_at: ago(300) } as Agent;
  const told = (toldMs: number) => unknownOf([device("a", "stale")], new Map([["agt_1", silent]]), NOW, toldMs)[0]?.reason;
  expect([told(NOW), told(NOW - 290_000)]).toEqual(["agent", "stale"]);
});

it("counts what is unknown behind each agent", () => {
  expect([...unknownByAgent([device("a", null), device("b", null), device("c", null, { state: "up" })])]).toEqual([["agt_1", 2]]);
});
