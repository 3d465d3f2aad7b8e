/** The few figures that tell most of the health of a device: of each kind the one that is nearest to trouble. */
import { percent } from "../../lib/format";
import type { Cause, DeviceObject } from "../../lib/types";
import type { ChartSpec } from "../charts/chart-data";
import { LOAD_CHARTS, OBJECT_CHARTS } from "../charts/specs";
import { hardwareOf, type Load, type Reading } from "./hardware-objects";

export interface HealthTile {
  /** In series: `cpu:1`; empty is the device itself. */
  object: string;
  title: string;
  /** Which one of them: «Core 3, the busiest of 4». */
  of: string;
  value: string;
  /** Something is nearly full. */
  isHigh: boolean;
  cause: Cause | null;
  at: string | null;
  spec: ChartSpec;
}

export const TILES_MAX = 6;
/** From here on something is nearly full. */
const FULL = 0.9;

const spec = (id: string) => OBJECT_CHARTS.find((one) => one.id === id);

/** The highest of them, and those that say nothing last. */
function top<T>(rows: readonly T[], read: (row: T) => number | null): T | undefined {
  return rows.toSorted((a, b) => (read(b) ?? -Infinity) - (read(a) ?? -Infinity))[0];
}

function ofMany(name: string, word: string, count: number): string {
  return count > 1 ? `${name}, ${word} of ${count}` : name;
}

function load(rows: readonly Load[], title: string, word: string, chart: string): HealthTile[] {
  const first = top(rows, ({ share }) => share);
  const drawn = spec(chart);
  if (!first || !drawn) return [];
  const { object, name, share, words, cause, at } = first;
  const value = share === null ? words : `${percent(share)} %`;
  const isTold = share !== null && words !== "";
  return [{
    object: object.object, title, of: [ofMany(name, word, rows.length), isTold ? words : ""].filter(Boolean).join(" · "), value, isHigh: (share ?? 0) >= FULL, cause, at, spec: drawn,
  }];
}

/** Of fans the slowest is nearest to trouble; of all else the highest. */
const SENSORS: readonly (readonly [metric: string, title: string, word: string, sign: 1 | -1])[] = [
  ["temperature_celsius", "Temperature", "the hottest", 1],
  ["power_watts", "Power", "the highest", 1],
  ["fan_speed_rpm", "Fan", "the slowest", -1],
  ["humidity_percent", "Humidity", "the highest", 1],
  ["voltage_volts", "Voltage", "the highest", 1],
  ["current_amperes", "Current", "the highest", 1],
];

function sensor(rows: readonly Reading[], [metric, title, word, sign]: (typeof SENSORS)[number]): HealthTile[] {
  const figure = ({ object }: Reading) => object.values.find((one) => one.metric === metric)?.value ?? null;
  const first = top(rows, (row) => {
    const value = figure(row);
    return value === null ? null : sign * value;
  });
  const drawn = spec(metric);
  if (!first || !drawn) return [];
  return [{ object: first.object.object, title, of: ofMany(first.name, word, rows.length), value: first.text, isHigh: false, cause: first.cause, at: first.at, spec: drawn }];
}

export function healthTiles(objects: readonly DeviceObject[]): HealthTile[] {
  const all = hardwareOf(objects);
  const [drawn] = LOAD_CHARTS;
  const average: HealthTile[] = all.load && drawn
    ? [{ object: "", title: "Load average", of: "1, 5 and 15 min", value: all.load.text, isHigh: false, cause: all.load.cause, at: all.load.at, spec: drawn }] : [];
  // Of memory that which is called so; caches and swap stand behind it.
  const ram = all.memory.filter(({ object }) => object.kind === "ram" || object.kind === "");
  const tiles = [
    ...load(all.processors, "Processor", "the busiest", "cpu_busy_percent"),
    ...load(ram.length > 0 ? ram : all.memory, "Memory", "the fullest", "memory"),
    ...sensor(all.sensors.find(({ metric }) => metric === "temperature_celsius")?.rows ?? [], SENSORS[0] ?? ["", "", "", 1]),
    ...load(all.storage, "Disk", "the fullest", "storage"),
    ...average,
    ...SENSORS.slice(1).flatMap((one) => sensor(all.sensors.find(({ metric }) => metric === one[0])?.rows ?? [], one)),
  ];
  return tiles.slice(0, TILES_MAX);
}
