import { expect, it } from "vitest";
import type { Agent, Alert } from "../../lib/types";
import { headline, type Incident, incidentsOf, isMuted } from "./incidents";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const ref = (id: string) => ({ id, name: id });
const agent = (id: string, more: Partial<Agent> = {}) =>
  ({ id, name: id, state: "up", last_seen_at: ago(2), revoked_at: null, ...more }) as unknown as Agent;
const alert = (id: string, of: { agent?: string; device?: string | null }, more: Partial<Alert> = {}) => ({
  id, severity: "warning", phase: "firing", agent: ref(of.agent ?? "agt_1"), device: of.device === null ? null : ref(of.device ?? "dev_1"),
  object: "", ack: null, silenced_until: null, fired_at: ago(60), began_at: ago(90), resolved_at: null, summary: `${id} is wrong`, ...more,
}) as unknown as Alert;
const first = (found: readonly Incident[]): Incident => {
  const [one] = found;
  if (!one) throw new Error("no incident");
  return one;
};
const told = (alerts: readonly Alert[], agents: readonly Agent[] = [agent("agt_1")], unknown: Record<string, number> = {}) =>
  incidentsOf(alerts, { agents: new Map(agents.map((one) => [one.id, one])), unknown: new Map(Object.entries(unknown)), nowMs: NOW });

it("holds what is wrong with a device in one incident, told by the worst of it", () => {
  const found = told([alert("port", {}), alert("gone", {}, { severity: "critical" }), alert("other", { device: "dev_2" })]);
  expect(found.map(({ root, alerts, severity }) => [root, alerts.map(({ id }) => id), severity])).toEqual([
    ["dev_1", ["gone", "port"], "critical"], ["dev_2", ["other"], "warning"],
  ]);
  // That it fires is no other beginning.
  expect(first(found).since).toBe(ago(90));
});

it("holds everything behind an agent that is away, and counts what went unknown", () => {
  const away = agent("agt_1", { state: "down", last_seen_at: ago(300) });
  const found = told([
    alert("old", { device: "dev_1" }, { severity: "critical", fired_at: ago(9000) }), alert("away", { device: null }), alert("b", { device: "dev_2" }),
  ], [away], { agt_1: 41 });
  expect(found).toHaveLength(1);
  const one = first(found);
  expect(one).toMatchObject({ root: "agt_1", isAway: true, severity: "critical", suppressed: 41, since: ago(300), lead: { id: "away" } });
  expect(headline(one, "box-1")).toBe("away is wrong");
});

it("says itself that the agent is away, before an alert of the agent does", () => {
  const away = agent("agt_1", { state: "down", last_seen_at: ago(30) });
  const one = first(told([alert("old", {}, { fired_at: ago(9000) })], [away], { agt_1: 3 }));
  expect(headline(one, "box-1")).toBe("box-1 is offline");
  expect(one.since).toBe(ago(30));
});

it("an agent that is here, was never here or is revoked holds only what is its own", () => {
  for (const more of [{}, { state: "unknown", last_seen_at: null }, { state: "down", revoked_at: ago(5) }] as Partial<Agent>[]) {
    expect(told([alert("own", { device: null }), alert("dev", {})], [agent("agt_1", more)], { agt_1: 9 }).map(({ root, suppressed }) => [root, suppressed]).toSorted())
      .toEqual([["agt_1", 0], ["dev_1", 0]]);
  }
});

it("stands the worst first, then what nobody looks after, then the newest", () => {
  const ack = { ack: { by: "anna", at: ago(1), note: "" } } as unknown as Partial<Alert>;
  const found = told([
    alert("acked", { device: "a" }, { severity: "critical", ...ack }), alert("quiet", { device: "b" }, { severity: "critical", silenced_until: ago(-60) }),
    alert("old", { device: "c" }, { severity: "critical", began_at: ago(600) }), alert("new", { device: "d" }, { severity: "critical" }),
    alert("warn", { device: "e" }, { fired_at: ago(1) }), alert("over", { device: "f" }, { phase: "resolved" } as Partial<Alert>),
  ]);
  expect(found.map(({ lead }) => lead.id)).toEqual(["new", "old", "acked", "quiet", "warn"]);
  expect(found.map(isMuted)).toEqual([false, false, true, true, false]);
});

it("stands an agent that is away before the devices of others that are as bad, however old it is", () => {
  const away = agent("agt_2", { state: "down", last_seen_at: ago(90_000) });
  const found = told([alert("new", {}), alert("away", { agent: "agt_2", device: null })], [agent("agt_1"), away], { agt_2: 84 });
  expect(found.map(({ root }) => root)).toEqual(["agt_2", "dev_1"]);
});

it("is loud while one of its alerts is", () => {
  const ack = { ack: { by: "anna", at: ago(1), note: "" } } as unknown as Partial<Alert>;
  expect(told([alert("a", {}, ack), alert("b", {}, { severity: "info" })])[0]?.standing).toBe("firing");
});
