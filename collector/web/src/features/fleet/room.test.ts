import { expect, it } from "vitest";
import type { Device } from "../../lib/types";
import { addressRoom, isLong, roomOf } from "./room";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const device = (address: string, more: Partial<Device> = {}) =>
  ({ address, state: "up", cause: null, interval_s: 60, last_sample_at: "2026-11-21T12:00:00Z", ...more }) as Device;
const NONE = { address: 0, state: 0, model: 0 };
const FULL = "2001:0db8:aaaa:bbbb:cccc:dddd:eeee:ffff";

it("takes a full IPv6 address for long, and one of IPv4 with its port not", () => {
  expect(isLong(roomOf([device("192.168.100.100:16161")], NONE, NOW))).toBe(false);
  expect(isLong(roomOf([device("10.0.0.1"), device(FULL)], NONE, NOW))).toBe(true);
  expect(addressRoom(FULL)).toBe(39 - 3);
});

it("needs no more than a full address with its port, however long a host name is", () => {
  expect(roomOf([device("x".repeat(253))], NONE, NOW).address).toBeLessThan(40);
  expect(roomOf([device(FULL)], NONE, NOW).address).toBeGreaterThanOrEqual(addressRoom(FULL));
});

it("gives a model its room, and a story none", () => {
  const ccr = "RouterOS CCR2004-1G-12S+2XS";
  expect(roomOf([device("10.0.0.1", { model: ccr }), device("10.0.0.2", { model: null })], NONE, NOW).model).toBe(ccr.length);
  expect(roomOf([device("10.0.0.1", { model: "x".repeat(200) })], NONE, NOW).model).toBe(30);
});

it("follows the words that are shown, and never takes room back", () => {
  const up = roomOf([device("10.0.0.1")], NONE, NOW);
  expect(up.state).toBe("Up".length);
  const wrong = roomOf([device("10.0.0.1", { state: "degraded", cause: "wrong_clock" })], up, NOW);
  expect(wrong.state).toBe("Degradedclocks do not agree".length);
  expect(roomOf([device("10.0.0.1")], wrong, NOW)).toBe(wrong);
});
