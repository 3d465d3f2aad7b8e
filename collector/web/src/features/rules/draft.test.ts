import { describe, expect, it } from "vitest";
import type { Rule, RuleCondition, RuleMetric } from "../../lib/types";
import { type Draft, draftOf, hasObjects, keptOf, NEW_DRAFT, parseFigure, triedOf, withTrouble, wrongToKeep, wrongToTry } from "./draft";
import { metricsBy } from "./words";

const METRICS = metricsBy([
  { name: "cpu_percent", title: "processor load", unit: "percent", about: "device", words: "load of the device" },
  { name: "if_in_bps", title: "traffic in", unit: "bits_per_second", about: "object", words: "traffic into an interface" },
] satisfies RuleMetric[]);
const CPU: Draft = { ...NEW_DRAFT, name: " Core busy ", metric: "cpu_percent", limit: "90", clear: "80" };

const rule = (condition: RuleCondition, more: Partial<Rule> = {}): Rule => ({
  id: "rul_1", tenant: { id: "ten_1", name: "T" }, name: "R", severity: "critical", enabled: true,
  scope: { sites: ["sit_1"], tags: ["core"], kinds: [] }, condition, for_s: 600, resolve_after_s: 0, ...more,
});

describe("draftOf and keptOf", () => {
  it.each<RuleCondition>([
    { kind: "metric", name: "if_in_bps", object: "if:1*", is: "below", limit: 2_000_000, clear: null },
    { kind: "metric", name: "cpu_percent", object: "*", is: "above", limit: 90, clear: 80 },
    { kind: "device_state", states: ["degraded", "down"] },
    { kind: "interface_state", object: "if:?" },
    { kind: "absence", name: "cpu_percent", object: "*" },
  ])("leave a rule as it is that nobody changes: %o", (condition) => {
    const { name, severity, scope, for_s, resolve_after_s } = rule(condition);
    expect(keptOf(draftOf(rule(condition)), METRICS)).toEqual({ name, severity, scope, condition, for_s, resolve_after_s });
  });

  it("send no tags for agents, and no objects for what has none", () => {
    const agents = { ...CPU, kind: "agent_state", tags: ["core"], sites: ["sit_1"] } as const;
    expect(triedOf(agents, METRICS)).toMatchObject({ scope: { sites: ["sit_1"], tags: [], kinds: [] }, condition: { kind: "agent_state" } });
    expect(triedOf({ ...CPU, object: "if:1" }, METRICS).condition).toMatchObject({ object: "*" });
    expect(hasObjects({ kind: "metric", metric: "if_in_bps" }, METRICS)).toBe(true);
    expect(hasObjects({ kind: "agent_state", metric: "if_in_bps" }, METRICS)).toBe(false);
  });

  it("send what was typed as numbers", () => {
    expect(keptOf({ ...CPU, limit: "2.5M", clear: "", wait: "90 s", calm: "1h 30m" }, METRICS)).toMatchObject({
      name: "Core busy", condition: { limit: 2_500_000, clear: null }, for_s: 90, resolve_after_s: 5400,
    });
  });
});

it("chooses troubles one by one, in an order that no click changes", () => {
  const condition: RuleCondition = { kind: "agent_trouble", kinds: ["clock", "losing"] };
  expect(triedOf(draftOf(rule(condition)), METRICS).condition).toEqual(condition);
  expect(withTrouble(["cloned", "losing"], "clock", true)).toEqual(["clock", "cloned", "losing"]);
  expect(withTrouble(["clock"], "clock", true)).toEqual(["clock"]);
  expect(withTrouble(["clock", "cloned"], "clock", false)).toEqual(["cloned"]);
  expect(withTrouble(["clock"], "clock", false)).toEqual([]);
});

describe("what is wrong", () => {
  it("is nothing with a whole rule", () => {
    expect(wrongToKeep(CPU)).toEqual({});
    expect(wrongToKeep({ ...CPU, clear: "90", is: "below" })).toEqual({});
  });

  it("is told at each field", () => {
    const told = wrongToKeep({ ...NEW_DRAFT, object: " ", limit: "ninety", clear: "x", wait: "soon", calm: "8 d" });
    expect(Object.keys(told).toSorted()).toEqual(["clear", "for_s", "limit", "metric", "name", "object", "resolve_after_s"]);
    expect(wrongToTry({ ...CPU, name: "" })).toEqual({});
  });

  it.each<[string, Partial<Draft>, string]>([
    ["clear above the limit", { clear: "95" }, "clear"],
    ["clear below the limit", { is: "below", clear: "80" }, "clear"],
    ["no state", { kind: "device_state", down: false }, "states"],
    ["no trouble", { kind: "agent_trouble", troubles: [] }, "troubles"],
    ["absence at once", { kind: "absence", wait: "0" }, "for_s"],
  ])("is %s", (_, more, field) => expect(Object.keys(wrongToTry({ ...CPU, ...more }))).toEqual([field]));
});

it("reads numbers with prefixes", () => {
  expect(["90", " 2.5M ", "1,5 k", "-4", "", "9x", "1e3"].map(parseFigure)).toEqual([90, 2_500_000, 1500, -4, null, null, null]);
});
