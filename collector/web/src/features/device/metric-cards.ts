/** Every metric of a device as a card of a grid: known ones by their charts, others plainly, and what is there without a value. */
import { byName } from "../../lib/format";
import type { DeviceObject, Interface, MetricInfo } from "../../lib/types";
import type { ChartSpec } from "../charts/chart-data";
import { DEVICE_CHARTS, OBJECT_CHARTS, plainChart, PORT_CHARTS } from "../charts/specs";
import { kindWord, objectName } from "./object-name";

export interface MetricCard {
  key: string;
  group: string;
  /** In series; empty is the device itself. */
  object: string;
  /** «eth0», «Core 1»; empty for the device itself. */
  name: string;
  /** Null: it is there, and has told no value yet. */
  spec: ChartSpec | null;
  metrics: readonly string[];
  /** Also found by these: a description, an alias. */
  more: string;
}

export interface MetricGroup {
  title: string;
  cards: MetricCard[];
}

const DEVICE = "The device itself";
const PORTS = "Interfaces";
/** In this order; what has another name stands behind them. */
const ORDER = [
  DEVICE, "Processors", "Memory", "Disks", "Temperature", "Fans", "Voltage", "Current", "Power", "Frequency", "Humidity", "States", PORTS, "Others",
];
const BY_PREFIX: Readonly<Record<string, string>> = { cpu: "Processors", memory: "Memory", storage: "Disks", if: PORTS };
const BY_SPEC: Readonly<Record<string, string>> = {
  temperature_celsius: "Temperature", fan_speed_rpm: "Fans", voltage_volts: "Voltage", current_amperes: "Current", power_watts: "Power",
  frequency_hertz: "Frequency", humidity_percent: "Humidity", sensor_state: "States",
};
const KIND: Readonly<Record<string, string>> = { fan_speed: "Fans", temperature: "Temperature", voltage: "Voltage", current: "Current", power: "Power", humidity: "Humidity", frequency: "Frequency" };

const plain = new Map<string, ChartSpec>();

/** The same one each time: a chart is made anew for another. */
function plainOf(info: MetricInfo): ChartSpec {
  const key = `${info.metric} ${info.unit}`;
  let spec = plain.get(key);
  if (!spec) plain.set(key, (spec = plainChart(info)));
  return spec;
}

/** In the order in which the keys come. */
function byKey<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const own = groups.get(key(one));
    if (own) own.push(one);
    else groups.set(key(one), [one]);
  }
  return groups;
}

const prefix = (object: string) => object.split(":", 1)[0] ?? "";

function chartsFor(object: string): readonly ChartSpec[] {
  if (object === "") return DEVICE_CHARTS;
  return prefix(object) === "if" ? PORT_CHARTS : OBJECT_CHARTS;
}

function groupOf(object: string, spec: ChartSpec | null, kind: string): string {
  if (object === "") return DEVICE;
  return BY_PREFIX[prefix(object)] ?? BY_SPEC[spec?.id ?? ""] ?? KIND[kind] ?? "Others";
}

export function metricCards(infos: readonly MetricInfo[], objects: readonly DeviceObject[], ports: readonly Interface[]): MetricCard[] {
  const known = new Map(objects.map((one) => [one.object, one]));
  const portOf = new Map(ports.map((one) => [one.object, one]));
  const byObject = byKey(infos, ({ object }) => object);
  // Parts say what a device is built of, and have no values; what else is silent has a place here, too.
  for (const { object } of objects) if (!object.startsWith("part:") && object !== "" && !byObject.has(object)) byObject.set(object, []);
  const cards: MetricCard[] = [];
  for (const [object, own] of byObject) {
    const [thing, port] = [known.get(object), portOf.get(object)];
    const name = object === "" ? "" : port ? port.name || port.description || object : thing ? objectName(thing) : object;
    const more = [object, thing?.description, thing && kindWord(thing.kind), port?.alias, port?.description].filter(Boolean).join(" ");
    const add = (spec: ChartSpec | null, metrics: readonly string[]) =>
      cards.push({ key: `${object} ${spec?.id ?? ""}`, group: groupOf(object, spec, thing?.kind ?? ""), object, name, spec, metrics, more });
    const drawn = new Set<string>();
    for (const spec of chartsFor(object)) {
      const metrics = own.map(({ metric }) => metric).filter((metric) => spec.lines.some(({ match }) => match.test(metric)));
      if (metrics.length === 0) continue;
      for (const metric of metrics) drawn.add(metric);
      add(spec, metrics);
    }
    for (const info of own) if (!drawn.has(info.metric)) add(plainOf(info), [info.metric]);
    if (own.length === 0) add(null, []);
  }
  return cards;
}

/** Each word has to be in something that the card says. */
export function found(card: MetricCard, query: string): boolean {
  const lines = card.spec?.lines.map(({ label }) => label).join(" ") ?? "";
  const hay = `${card.group} ${card.name} ${card.spec?.title ?? ""} ${lines} ${card.metrics.join(" ")} ${card.more}`.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

export function grouped(cards: readonly MetricCard[]): MetricGroup[] {
  const place = (title: string) => (ORDER.includes(title) ? ORDER.indexOf(title) : ORDER.length);
  return [...byKey(cards, ({ group }) => group)]
    .map(([title, own]) => ({ title, cards: own.toSorted((a, b) => byName(a.name, b.name) || byName(a.object, b.object)) }))
    .toSorted((a, b) => place(a.title) - place(b.title));
}
