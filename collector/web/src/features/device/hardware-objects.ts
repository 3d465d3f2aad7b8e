/** What a device is made of, from the list of its objects: loads, sensors by kind, parts as a tree. */
import { byName, bytes, reading, threeFigures } from "../../lib/format";
import { missingWord } from "../../lib/state";
import type { Cause, DeviceObject } from "../../lib/types";
import { kindWord, objectName } from "./object-name";

/** The metric of a load and what it is a share of. */
export interface Load {
  object: DeviceObject;
  name: string;
  /** 0 to 1; null while it is not known. */
  share: number | null;
  /** «3.20 GiB of 8 GiB», with why it is no more than that; empty where the share says all. */
  words: string;
  /** Why the share is not known. */
  cause: Cause | null;
  at: string | null;
}

export interface Reading {
  object: DeviceObject;
  name: string;
  text: string;
  /** Why there is no figure. */
  cause: Cause | null;
  at: string | null;
}

export interface Sensors {
  metric: string;
  title: string;
  rows: Reading[];
}

export interface PartRow {
  part: DeviceObject;
  depth: number;
}

export interface Hardware {
  /** Load averages, which are of the device itself. */
  load: Omit<Reading, "object" | "name"> | null;
  processors: Load[];
  memory: Load[];
  storage: Load[];
  sensors: Sensors[];
  parts: PartRow[];
}

const KINDS: Readonly<Record<string, readonly [title: string, unit: string]>> = {
  temperature_celsius: ["Temperature", "°C"],
  fan_speed_rpm: ["Fans", "rpm"],
  voltage_volts: ["Voltage", "V"],
  current_amperes: ["Current", "A"],
  power_watts: ["Power", "W"],
  frequency_hertz: ["Frequency", "Hz"],
  humidity_percent: ["Humidity", "%"],
  sensor_state: ["States", ""],
};

/** TruthValue of SNMPv2-TC. */
const TRUTH: Readonly<Record<number, string>> = { 1: "yes", 2: "no" };

function sensorText(metric: string, value: number): string {
  return metric === "sensor_state" ? (TRUTH[value] ?? String(value)) : reading(value, KINDS[metric]?.[1] ?? "");
}

function last({ values }: DeviceObject, metric: string) {
  return values.find((one) => one.metric === metric);
}

type Value = DeviceObject["values"][number];

/** Why one of these has no figure; of one that was never read, that is still to come. */
function causeOf(...values: readonly (Value | undefined)[]): Cause | null {
  if (values.every((one) => one === undefined)) return "pending";
  return values.find((one) => one?.value === null)?.cause ?? null;
}

function processor(object: DeviceObject): Load {
  const busy = last(object, "cpu_busy_percent");
  const percent = busy?.value ?? null;
  return {
    object, name: objectName(object), share: percent === null ? null : percent / 100,
    words: percent === null ? missingWord(causeOf(busy)) : "", cause: causeOf(busy), at: busy?.at ?? null,
  };
}

const LOADS = ["load_1m_ratio", "load_5m_ratio", "load_15m_ratio"];

function loadOf(objects: readonly DeviceObject[]): Hardware["load"] {
  const values = LOADS.map((metric) => objects.find(({ object }) => object === "")?.values.find((one) => one.metric === metric));
  if (values.every((one) => one === undefined)) return null;
  const cause = causeOf(...values);
  const isKnown = values.some((one) => typeof one?.value === "number");
  const text = isKnown ? values.map((one) => threeFigures(one?.value)).join(" · ") : missingWord(cause);
  return { text, cause, at: values.find((one) => one)?.at ?? null };
}

function space(object: DeviceObject, of: "memory" | "storage"): Load {
  const [used, size] = [last(object, `${of}_used_bytes`), last(object, `${of}_size_bytes`)];
  const [taken, whole] = [used?.value ?? null, size?.value ?? null];
  const share = taken !== null && whole !== null && whole > 0 ? taken / whole : null;
  const cause = causeOf(used, size);
  // A part of the memory has no size, and what is available is nobody's use: what has one of both has one figure.
  const only = used && size ? null : (taken ?? whole);
  const both = taken === null && whole === null ? null : `${bytes(taken)} of ${bytes(whole)}`;
  const figures = only === null ? both : bytes(only);
  // Of a size of 0 there is no share, and nothing is missing.
  const missing = share === null && (cause || !figures) ? missingWord(cause) : null;
  const words = [figures, missing].filter(Boolean).join(" · ");
  return { object, name: objectName(object), share, words, cause, at: used?.at ?? size?.at ?? null };
}

function sensorsOf(objects: readonly DeviceObject[]): Sensors[] {
  const groups = new Map<string, Reading[]>();
  for (const object of objects) {
    const [told] = object.values;
    // A sensor that has told nothing yet is known by its name only: it stands with its kind.
    const metric = told?.metric ?? Object.keys(KINDS).find((name) => name.startsWith(object.kind)) ?? object.kind;
    const rows = groups.get(metric) ?? [];
    const cause = causeOf(told);
    const text = typeof told?.value === "number" ? sensorText(metric, told.value) : missingWord(cause);
    rows.push({ object, name: objectName(object), text, cause, at: told?.at ?? null });
    groups.set(metric, rows);
  }
  const order = Object.keys(KINDS);
  const place = (metric: string) => (order.includes(metric) ? order.indexOf(metric) : order.length);
  return [...groups]
    .map(([metric, rows]) => ({ metric, title: KINDS[metric]?.[0] ?? (kindWord(metric) || "Others"), rows }))
    .toSorted((a, b) => place(a.metric) - place(b.metric));
}

/** Parts in the order of the device, each below the one that it is in. A ring of parts is cut open. */
export function partTree(parts: readonly DeviceObject[]): PartRow[] {
  const known = new Set(parts.map(({ object }) => object));
  const inside = new Map<string, DeviceObject[]>();
  const tops: DeviceObject[] = [];
  for (const part of parts.toSorted((a, b) => byName(a.object, b.object))) {
    if (!part.parent || !known.has(part.parent) || part.parent === part.object) tops.push(part);
    else inside.set(part.parent, [...(inside.get(part.parent) ?? []), part]);
  }
  const rows: PartRow[] = [];
  const seen = new Set<string>();
  const walk = (top: DeviceObject) => {
    const waiting: PartRow[] = [{ part: top, depth: 0 }];
    for (let row = waiting.pop(); row; row = waiting.pop()) {
      if (seen.has(row.part.object)) continue;
      seen.add(row.part.object);
      rows.push(row);
      const depth = row.depth + 1;
      for (const part of (inside.get(row.part.object) ?? []).toReversed()) waiting.push({ part, depth });
    }
  };
  for (const top of [...tops, ...parts]) walk(top);
  return rows;
}

export function hardwareOf(objects: readonly DeviceObject[]): Hardware {
  const of = (prefix: string) =>
    objects.filter(({ object }) => object.startsWith(prefix)).toSorted((a, b) => byName(objectName(a), objectName(b)));
  return {
    load: loadOf(objects),
    processors: of("cpu:").map(processor),
    memory: of("memory:").map((object) => space(object, "memory")),
    storage: of("storage:").map((object) => space(object, "storage")),
    sensors: sensorsOf(of("sensor:")),
    parts: partTree(objects.filter(({ object }) => object.startsWith("part:"))),
  };
}
