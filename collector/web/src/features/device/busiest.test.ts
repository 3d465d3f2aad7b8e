import { expect, it } from "vitest";
import type { Interface } from "../../lib/types";
import { busiest, busiestPorts, busyOnes } from "./busiest";

const [ETHERNET, LOOPBACK, TUNNEL, BRIDGE] = [6, 24, 131, 209];
const port = (name: string, kind: number, in_bps: number | null, more: Partial<Interface> = {}) =>
  ({ object: name, name, kind, in_bps, out_bps: null, state: "up", ...more }) as Interface;
const names = (rows: readonly Interface[]) => rows.map(({ name }) => name);
const told = [port("lo", LOOPBACK, 900), port("eth1", ETHERNET, 5), port("br0", BRIDGE, 70), port("eth0", ETHERNET, 50, { out_bps: 20 })];

it("leaves out what carries the traffic of others, and loopbacks", () => {
  expect(names(busiestPorts(told, 9))).toEqual(["eth0", "eth1"]);
  expect(names(busiestPorts(told, 1))).toEqual(["eth0"]);
  expect(busiest(told)?.name).toBe("eth0");
});

it("shows virtual ports where no other tells of its traffic, loopbacks last", () => {
  const silent = port("eth0", ETHERNET, null);
  expect(names(busyOnes([port("lo", LOOPBACK, 900), silent, port("br0", BRIDGE, 70)], 9))).toEqual(["br0"]);
  expect(names(busyOnes([port("lo", LOOPBACK, 900)], 9))).toEqual(["lo"]);
});

it("shows what a tunnel carries while all ports with traffic of their own are down, and no loopback", () => {
  const down = port("eth0", ETHERNET, 0, { state: "down" });
  const tunnel = port("tun0", TUNNEL, 70);
  expect(names(busyOnes([port("lo", LOOPBACK, 900), down, tunnel], 9))).toEqual(["tun0"]);
  expect(busiest([down, tunnel])?.name).toBe("tun0");
  expect(names(busyOnes([port("lo", LOOPBACK, 900), down], 9))).toEqual([]);
  expect(busiest([port("lo", LOOPBACK, 900), down])?.name).toBe("eth0");
});

it("begins with a port that is no loopback while nothing is known of any", () => {
  const rows = [port("lo", LOOPBACK, null), port("eth0", ETHERNET, null, { state: "unknown" })];
  expect(busiest(rows)?.name).toBe("eth0");
  expect(busiest([])).toBeUndefined();
});

it("calls no port busy that is not up or carries nothing", () => {
  const rows = [port("eth0", ETHERNET, 0), port("eth1", ETHERNET, 90, { state: "down" }), port("eth2", ETHERNET, 1)];
  expect(names(busyOnes(rows, 9))).toEqual(["eth2"]);
  expect(names(busiestPorts(rows, 9))).toEqual(["eth2", "eth0"]);
});
