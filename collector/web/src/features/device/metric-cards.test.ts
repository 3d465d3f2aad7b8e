import { expect, it } from "vitest";
import type { DeviceObject, Interface, MetricInfo } from "../../lib/types";
import { found, grouped, metricCards } from "./metric-cards";

const info = (object: string, metric: string, unit = ""): MetricInfo => ({ object, metric, unit, kind: "gauge" });
const thing = (object: string, kind: string, name: string): DeviceObject => ({
  object, kind, name, description: "", group: "sensors", parent: null, vendor: null, model: null, serial: null, hardware_revision: null,
  firmware_revision: null, software_revision: null, values: [],
});
const INFOS = [
  info("", "icmp_rtt_seconds"), info("", "icmp_loss_percent"), info("", "sys_uptime_seconds"), info("", "brand_new_thing", "dbm"),
  info("cpu:1", "cpu_busy_percent"), info("if:10", "if_in_octets_total"), info("if:2", "if_in_octets_total"), info("if:2", "if_odd_total"),
];
const OBJECTS = [thing("cpu:1", "processor", "Core 1"), thing("sensor:7", "temperature", "Board"), thing("part:1", "chassis", "Chassis")];
const PORTS = [{ object: "if:2", name: "eth2", alias: "uplink", description: "" }, { object: "if:10", name: "eth10", alias: "", description: "" }] as Interface[];

const cards = metricCards(INFOS, OBJECTS, PORTS);

it("leaves no metric out, and tells each once", () => {
  const told = cards.flatMap(({ object, metrics }) => metrics.map((metric) => `${object} ${metric}`));
  expect(told.toSorted()).toEqual(INFOS.map(({ object, metric }) => `${object} ${metric}`).toSorted());
  expect(new Set(cards.map(({ key }) => key)).size).toBe(cards.length);
});

it("has a place for what has told nothing yet, and none for parts", () => {
  expect(cards.find(({ object }) => object === "sensor:7")).toMatchObject({ spec: null, group: "Temperature", name: "Board" });
  expect(cards.some(({ object }) => object === "part:1")).toBe(false);
});

it("groups them, names in the order people count", () => {
  const groups = grouped(cards);
  expect(groups.map(({ title }) => title)).toEqual(["The device itself", "Processors", "Temperature", "Interfaces"]);
  expect(groups.at(-1)?.cards.map(({ name, spec }) => `${name} ${spec?.id}`)).toEqual(["eth2 traffic", "eth2 if_odd_total", "eth10 traffic"]);
});

it("finds by the name of the thing, of the metric, of the chart, and by what else it is called", () => {
  const ids = (query: string) => cards.filter((card) => found(card, query)).map(({ key }) => key);
  expect(ids("uplink traffic")).toEqual(["if:2 traffic"]);
  expect(ids("icmp_loss")).toEqual([" loss"]);
  expect(ids("brand NEW")).toEqual([" brand_new_thing"]);
  expect(ids("no such thing")).toEqual([]);
  expect(ids("")).toHaveLength(cards.length);
});

it("draws what nobody knows yet in its own unit, the same chart each time", () => {
  const card = cards.find(({ metrics }) => metrics[0] === "brand_new_thing");
  expect(card?.spec).toMatchObject({ title: "Brand new thing", unit: "dbm" });
  expect(metricCards(INFOS, OBJECTS, PORTS).find(({ key }) => key === card?.key)?.spec).toBe(card?.spec);
});
