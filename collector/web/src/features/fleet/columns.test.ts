import { expect, it } from "vitest";
import type { Device } from "../../lib/types";
import { columns, inOrder } from "./columns";

const read = (id: string, device: Partial<Device>) => {
  return columns.find((one) => one.id === id)?.read(device as Device);
};

it("sorts a device that tells no loss or load below one that tells none of it", () => {
  expect(read("loss", { icmp: null })).toBe(-1);
  expect(read("loss", { icmp: { state: "up", cause: null, loss_percent: 0, rtt_ms: 1, jitter_ms: 0, at: null } })).toBe(0);
  expect(read("cpu", { cpu_percent: 12 })).toBe(12);
});

it("sorts what SNMP told with what is missing, once SNMP holds no more", () => {
  const snmp_poll = { state: "down", cause: "timeout", rtt_ms: null, at: null, answered_at: null, holds: false } as const;
  expect(read("cpu", { cpu_percent: 12, interval_s: 60, snmp_poll })).toBe(-1);
  expect(read("rtt", { rtt_ms: 3, interval_s: 60, snmp_poll })).toBe(3);
});

it("puts devices in the order of a column, those of one state by their names", () => {
  const of = (name: string, state: string, rtt_ms: number | null) => ({ name, state, rtt_ms }) as Device;
  const rows = [of("core-10", "up", 3), of("core-9", "up", null), of("edge", "down", 40)];
  const names = (by: string, desc: boolean) => inOrder(rows, { by, desc }).map(({ name }) => name);
  expect(names("state", false)).toEqual(["edge", "core-9", "core-10"]);
  expect(names("state", true)).toEqual(["core-10", "core-9", "edge"]);
  expect(names("rtt", true)).toEqual(["edge", "core-10", "core-9"]);
  expect(names("no such column", false)).toEqual(["core-10", "core-9", "edge"]);
});
