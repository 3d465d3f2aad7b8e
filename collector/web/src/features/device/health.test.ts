import { expect, it } from "vitest";
import type { DeviceObject } from "../../lib/types";
import { healthTiles, TILES_MAX } from "./health";

const at = "2026-11-22T12:00:00Z";
const object = (id: string, kind: string, name: string, values: Readonly<Record<string, number | null>>): DeviceObject => ({
  object: id, group: "host", name, kind, description: "", parent: null, vendor: null, model: null, serial: null, hardware_revision: null,
  firmware_revision: null, software_revision: null,
  values: Object.entries(values).map(([metric, value]) => ({ metric, unit: "", value, cause: value === null ? "timeout" : null, at })),
});

it("takes of each kind the one that is nearest to trouble, and says which of how many it is", () => {
  const tiles = healthTiles([
    object("cpu:1", "processor", "Core 1", { cpu_busy_percent: 12 }), object("cpu:2", "processor", "Core 2", { cpu_busy_percent: 95 }),
    object("cpu:3", "processor", "Core 3", { cpu_busy_percent: null }),
    object("memory:1", "ram", "RAM", { memory_used_bytes: 2 ** 30, memory_size_bytes: 2 ** 32 }),
    object("memory:2", "swap", "Swap", { memory_used_bytes: 2 ** 32, memory_size_bytes: 2 ** 32 }),
    object("sensor:1", "temperature", "board", { temperature_celsius: 40 }), object("sensor:2", "temperature", "cpu", { temperature_celsius: 61 }),
    object("sensor:3", "fan_speed", "fan1", { fan_speed_rpm: 4000 }), object("sensor:4", "fan_speed", "fan2", { fan_speed_rpm: 200 }),
  ]);
  expect(tiles.map(({ object: id, title, of, value, isHigh }) => [id, title, of, value, isHigh])).toEqual([
    ["cpu:2", "Processor", "Core 2, the busiest of 3", "95.0 %", true],
    ["memory:1", "Memory", "RAM · 1 GiB of 4 GiB", "25.0 %", false],
    ["sensor:2", "Temperature", "cpu, the hottest of 2", "61 °C", false],
    ["sensor:4", "Fan", "fan2, the slowest of 2", "200 rpm", false],
  ]);
});

it("says why a figure is missing, and is empty where nothing is told", () => {
  expect(healthTiles([object("cpu:1", "processor", "CPU", { cpu_busy_percent: null })])[0]).toMatchObject({ value: "no answer", cause: "timeout", isHigh: false });
  expect(healthTiles([])).toEqual([]);
});

it("is a few at most, each with a chart that has its metric", () => {
  const kinds = ["temperature_celsius", "power_watts", "fan_speed_rpm", "humidity_percent", "voltage_volts", "current_amperes"];
  const tiles = healthTiles([
    object("cpu:1", "processor", "CPU", { cpu_busy_percent: 1 }), object("storage:1", "fixed_disk", "/", { storage_used_bytes: 1, storage_size_bytes: 2 }),
    ...kinds.map((metric, i) => object(`sensor:${i}`, "", metric, { [metric]: i })),
  ]);
  expect(tiles).toHaveLength(TILES_MAX);
  expect(tiles.every(({ spec }) => spec.lines.length > 0)).toBe(true);
});
