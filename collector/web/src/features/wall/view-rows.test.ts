import { expect, it } from "vitest";
import type { Agent, Alert, Device, View } from "../../lib/types";
import { isRepeated, rowsOf } from "./view-rows";

const ref = (id: string) => ({ id, name: id });
const device = (id: string, tenant: string, agent: string, tags: string[]) => ({ id, tenant: ref(tenant), agent: ref(agent), tags }) as unknown as Device;
const alert = (id: string, tenant: string, agent: string, of: string | null) =>
  ({ id, tenant: ref(tenant), agent: ref(agent), device: of ? ref(of) : null }) as unknown as Alert;
const rows = {
  devices: [device("d1", "north", "a1", ["core"]), device("d2", "north", "a2", []), device("d3", "south", "a3", ["core"])],
  agents: ["a1", "a2", "a3"].map((id) => ({ id, tenant: ref(id === "a3" ? "south" : "north") }) as Agent),
  alerts: [alert("1", "north", "a1", "d1"), alert("2", "north", "a1", null), alert("3", "north", "a2", "d2"), alert("4", "south", "a3", null)],
};
const told = (view: { tenant?: string; tag?: string }) => {
  const { devices, agents, alerts } = rowsOf(rows, view);
  return [devices, agents, alerts].map((all) => all.map(({ id }) => id).join(" "));
};

it("narrows to a tenant, to a tag, and to both", () => {
  expect(told({})).toEqual(["d1 d2 d3", "a1 a2 a3", "1 2 3 4"]);
  expect(told({ tenant: "north" })).toEqual(["d1 d2", "a1 a2", "1 2 3"]);
  expect(told({ tag: "core" })).toEqual(["d1 d3", "a1 a3", "1 2 4"]);
  expect(told({ tenant: "south", tag: "core" })).toEqual(["d3", "a3", "4"]);
  expect(told({ tag: "edge" })).toEqual(["", "", ""]);
});

it("knows alerts that «Now» of the same rows has told one by one", () => {
  const [now, alerts, core]: View[] = [{ kind: "now", tag: null }, { kind: "alerts" }, { kind: "alerts", tag: "core" }];
  const is = (view: View | undefined, views: (View | undefined)[], found: number, incidents = 1) =>
    isRepeated(view, views.flatMap((one) => one ?? []), () => ({ alerts: found, incidents }));
  expect([is(alerts, [now, alerts], 1), is(alerts, [now, alerts], 2), is(core, [now, core], 1), is(alerts, [alerts], 1), is(now, [now], 1)])
    .toEqual([true, false, false, false, false]);
});
