import { expect, it } from "vitest";
import type { Cause, DeviceObject } from "../../lib/types";
import { hardwareOf, partTree } from "./hardware-objects";
import { objectName } from "./object-name";

const GIB = 2 ** 30;
const at = "2026-11-21T12:00:00Z";
const object = (id: string, more: Partial<DeviceObject> = {}): DeviceObject => ({
  object: id, group: "host", name: "", kind: "", description: "", parent: null, vendor: null, model: null, serial: null,
  hardware_revision: null, firmware_revision: null, software_revision: null, values: [], ...more,
});
const value = (metric: string, number: number | null, cause: Cause = "timeout") =>
  ({ metric, unit: "", value: number, cause: number === null ? cause : null, at });

it("tells how much of what is used, and keeps unknown apart from nothing", () => {
  const { storage, memory, processors } = hardwareOf([
    object("storage:31", { name: "/", values: [value("storage_used_bytes", 25 * GIB), value("storage_size_bytes", 100 * GIB)] }),
    object("storage:32", { name: "cdrom", values: [value("storage_used_bytes", 0), value("storage_size_bytes", 0)] }),
    object("storage:33", { name: "none" }),
    object("memory:1", { name: "RAM", values: [value("memory_used_bytes", null), value("memory_size_bytes", 8 * GIB)] }),
    object("cpu:2", { values: [value("cpu_busy_percent", 0)] }),
  ]);
  expect(storage[0]).toMatchObject({ name: "/", share: 0.25, words: "25 GiB of 100 GiB", at });
  // An empty drive has no share, and nothing is missing of it.
  expect(storage[1]).toMatchObject({ share: null, words: "0 B of 0 B", cause: null });
  expect(storage[2]).toMatchObject({ share: null, words: "waiting", cause: "pending" });
  expect(memory[0]).toMatchObject({ share: null, words: "– of 8 GiB · no answer", cause: "timeout" });
  expect(processors[0]).toMatchObject({ name: "cpu:2", share: 0, words: "" });
});

it("tells one figure of what has no other, such as caches", () => {
  const { memory } = hardwareOf([
    object("memory:6", { name: "Cached memory", values: [value("memory_used_bytes", 4.6 * 2 ** 20)] }),
    object("memory:7", { name: "Free", values: [value("memory_size_bytes", 2 * GIB)] }),
    object("memory:8", { name: "Shared", values: [value("memory_used_bytes", null)] }),
  ]);
  expect(memory.map(({ name, share, words, cause }) => [name, share, words, cause])).toEqual([
    ["Cached memory", null, "4.60 MiB", null], ["Free", null, "2 GiB", null], ["Shared", null, "no answer", "timeout"],
  ]);
});

it("groups sensors by what they measure, temperatures first, each with its unit", () => {
  const sensor = (id: string, metric: string, number: number | null) => object(id, { name: id, group: "sensors", values: [value(metric, number)] });
  const { sensors } = hardwareOf([
    sensor("sensor:3", "voltage_volts", 11.94), sensor("sensor:2", "temperature_celsius", -4.5),
    sensor("sensor:1", "temperature_celsius", null), sensor("sensor:4", "fan_speed_rpm", 12_000), sensor("sensor:5", "sensor_state", 2),
  ]);
  expect(sensors.map(({ title, rows }) => [title, rows.map(({ text }) => text)])).toEqual([
    ["Temperature", ["no answer", "-4.5 °C"]], ["Fans", ["12,000 rpm"]], ["Voltage", ["11.9 V"]], ["States", ["no"]],
  ]);
});

it("puts each part below the one it is in; parts in a ring and parts of nothing are shown too", () => {
  const part = (id: string, parent: string | null) => object(id, { group: "parts", parent });
  const rows = partTree([
    part("part:10", "part:2"), part("part:2", "part:1"), part("part:1", null), part("part:3", "part:1"),
    part("part:7", "part:8"), part("part:8", "part:7"), part("part:9", "part:99"),
  ]);
  expect(rows.map(({ part: { object: id }, depth }) => `${id} ${depth}`)).toEqual([
    "part:1 0", "part:2 1", "part:10 2", "part:3 1", "part:9 0", "part:7 0", "part:8 1",
  ]);
});

it("names what has no name by its kind", () => {
  expect(objectName(object("storage:4", { kind: "flash_memory" }))).toBe("Flash memory 4");
  expect(objectName(object("cpu:ucd", { kind: "processor" }))).toBe("Processor");
  expect(objectName(object("cpu:1", { kind: "processor", description: "Cortex-A57" }))).toBe("Cortex-A57");
});

it("tells why a figure is missing, or that it is still to come", () => {
  const { processors, sensors } = hardwareOf([
    object("cpu:1", { values: [value("cpu_busy_percent", null, "stale")] }), object("cpu:2"),
    object("sensor:1", { name: "a", kind: "temperature", values: [value("temperature_celsius", null, "unsupported")] }),
    object("sensor:2", { name: "b", kind: "temperature" }),
  ]);
  expect(processors.map(({ share, words, cause }) => [share, words, cause])).toEqual([[null, "stale", "stale"], [null, "waiting", "pending"]]);
  expect(sensors[0]?.rows.map(({ text, cause }) => [text, cause])).toEqual([["not supported", "unsupported"], ["waiting", "pending"]]);
});

it("shows the load averages, which are of the device itself", () => {
  const load = (...numbers: (number | null)[]) =>
    hardwareOf([object("", { values: ["1m", "5m", "15m"].map((of, i) => value(`load_${of}_ratio`, numbers[i] ?? null)) })]).load;
  expect(load(0.42, 1.5, 12)).toEqual({ text: "0.42 · 1.50 · 12.0", cause: null, at });
  expect(load(null, null, null)).toEqual({ text: "no answer", cause: "timeout", at });
  expect(hardwareOf([object("cpu:1")]).load).toBeNull();
});
