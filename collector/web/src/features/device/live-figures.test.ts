import { expect, it } from "vitest";
import type { Device, DeviceObject, Interface } from "../../lib/types";
import { largeFigures, lossOf, POLLS, portFigure, signalFigures, uplinkOf } from "./live-figures";

const at = "2026-11-22T12:00:00Z";
const device = {
  icmp: { state: "up", cause: null, loss_percent: 0, rtt_ms: 3.2, jitter_ms: null, at },
  snmp_poll: { state: "down", cause: "timeout", rtt_ms: null, at, holds: false, answered_at: null },
} as Pick<Device, "icmp" | "snmp_poll">;

it("tells the loss of the last polls that are known", () => {
  expect(lossOf([])).toBeNull();
  expect(lossOf([null, undefined])).toBeNull();
  expect(lossOf([100, null, 0])).toEqual({ mean: 50, polls: 2 });
  expect(lossOf([...Array.from({ length: 50 }, () => 100), ...Array.from({ length: POLLS }, () => 0)])).toEqual({ mean: 0, polls: POLLS });
});

it("leaves out what is not known or switched off, and says no answer in words", () => {
  const all = largeFigures(device, "up", "down", { mean: 5, polls: 3 }, []);
  expect(all.map(({ id, value, word, state }) => [id, value, word, state])).toEqual([
    ["rtt", "3.20", "answers", "up"], ["loss", "5.0", "some in 3 polls", "degraded"], ["snmp", "–", "no answer", "down"],
  ]);
  expect(largeFigures(device, null, null, null, [])).toEqual([]);
});

it("finds the signal of radio links, where it has a value", () => {
  const value = (metric: string, told: number | null) => ({ metric, value: told, at, cause: null });
  const radio = { object: "radio:1", name: "sector-1", description: "", values: [value("signal_dbm", -61), value("noise_dbm", null), value("temperature_celsius", 40)] } as unknown as DeviceObject;
  expect(signalFigures([radio]).map(({ title, value: told, unit }) => [title, told, unit])).toEqual([["sector-1, signal", "-61", "dBm"]]);
});

const port = (name: string, more: Partial<Interface> = {}) => ({
  object: name, name, alias: "", description: "", in_bps: 12_300_000, out_bps: 4_500_000, in_errors_ps: 0, out_errors_ps: 0, in_discards_ps: 0,
  out_discards_ps: 0, updated_at: at, ...more,
}) as Interface;

it("takes the port that is called so for the uplink, else the busiest", () => {
  const [first, second] = [port("ether1"), port("ether2", { alias: "Uplink to core" })];
  expect(uplinkOf([first, second], first)).toBe(second);
  expect(uplinkOf([first], first)).toBe(first);
  expect(uplinkOf([], undefined)).toBeUndefined();
});

it("tells what a port carries and loses, and nothing of one that is not known", () => {
  expect(portFigure(port("ether1", { alias: "uplink" }), "up"))
    .toMatchObject({ title: "In, ether1 · uplink", value: "12.3", unit: "Mb/s", word: "no errors", note: "out 4.50 Mb/s", state: "up" });
  expect(portFigure(port("ether1", { in_errors_ps: 2 }), "up")).toMatchObject({ word: "2.00 errors/s", state: "degraded" });
  expect(portFigure(port("ether1"), "unknown")).toMatchObject({ value: "–", unit: "b/s", word: "not known now", note: "", state: "unknown" });
});
