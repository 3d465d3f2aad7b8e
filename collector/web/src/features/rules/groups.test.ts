import { expect, it } from "vitest";
import type { Rule } from "../../lib/types";
import { groupsOf, onWords } from "./groups";

const rule = (id: string, tenant: string, more: Partial<Rule> = {}): Rule => ({
  id, tenant: { id: tenant, name: tenant }, name: "Device down", severity: "critical", enabled: true, for_s: 120, resolve_after_s: 60,
  condition: { kind: "device_state", states: ["down"] }, scope: { sites: [], tags: [], kinds: [] }, ...more,
}) as Rule;

it("tells what several tenants have alike once, and what one has changed by itself", () => {
  const groups = groupsOf([rule("a", "alpine"), rule("b", "borealis", { enabled: false }), rule("c", "cirrus", { for_s: 60 }), rule("d", "alpine", { name: "Other" })]);
  expect(groups.map(({ rules }) => rules.map(({ id }) => id))).toEqual([["a", "b"], ["c"], ["d"]]);
});

it("says how many are on", () => {
  const of = (...on: boolean[]) => onWords(on.map((enabled) => ({ enabled })));
  expect([of(true), of(false), of(true, true), of(false, false), of(true, false, true)]).toEqual(["On", "Off", "All on", "All off", "2 of 3 on"]);
});
