import { expect, it } from "vitest";
import type { Device } from "../../lib/types";
import { addressRoom, isAlways, LONG, NO_ROOM, roomOf, wordRoom } from "./room";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const device = (address: string, more: Partial<Device> = {}) =>
  ({
    address, name: address, tags: [], tenant: { name: "North" }, site: { name: "Depot" }, model: null, interfaces_total: 0,
    state: "up", cause: null, interval_s: 60, last_sample_at: "2026-11-21T12:00:00Z", ...more,
  }) as Device;
const room = (devices: Device[], before = NO_ROOM) => roomOf(devices, ({ name }) => name, before, NOW);
const FULL = "2001:0db8:aaaa:bbbb:cccc:dddd:eeee:ffff";

it("takes a full IPv6 address for long, and one of IPv4 with its port not", () => {
  expect(room([device("192.168.100.100:16161")]).address).toBeLessThanOrEqual(LONG);
  expect(room([device("10.0.0.1"), device(FULL)]).address).toBe(36);
  expect(addressRoom(FULL)).toBe(39.5 - 3.5);
});

it("gives names and models their room, and a story none", () => {
  const ccr = room([device("10.0.0.1", { model: "RouterOS CCR2004-1G-12S+2XS" }), device("10.0.0.2")]);
  expect(ccr.model).toBeGreaterThan(20);
  expect(room([device("10.0.0.1", { model: "x".repeat(200) })]).model).toBe(30);
  expect(room([device("x".repeat(253))])).toMatchObject({ name: 36, address: LONG });
  expect(room([device("10.0.0.1", { tags: ["core", "edge"] })]).name).toBeGreaterThan(room([device("10.0.0.1")]).name);
});

it("gives the words of a state no less room than they take, and little more", () => {
  // As wide as they are in DejaVu Sans and Segoe UI, in the width of their digits.
  const widest = { "Degradedno answer": 16.3, "Not askedname does not resolve": 27, Up: 2.3 };
  for (const [words, width] of Object.entries(widest)) {
    expect(wordRoom(words)).toBeGreaterThanOrEqual(width);
    expect(wordRoom(words)).toBeLessThan(1.1 * width + 1);
  }
});

it("follows the words that are shown, and never takes room back", () => {
  const up = room([device("10.0.0.1")]);
  const wrong = room([device("10.0.0.1", { state: "degraded", cause: "wrong_clock" })], up);
  expect(wrong.state).toBeGreaterThan(up.state);
  expect(room([device("10.0.0.1")], wrong)).toBe(wrong);
});

it("knows which columns tell anything, and keeps what one has told once", () => {
  const none = room([device("10.0.0.1")]);
  expect([...none.told]).toEqual([]);
  const some = room([device("10.0.0.1", { cpu_percent: 0, interfaces_total: 3 })], none);
  expect([...some.told].toSorted()).toEqual(["cpu", "interfaces"]);
  expect(room([device("10.0.0.1")], some)).toBe(some);
  expect([isAlways("name"), isAlways("age"), isAlways("cpu")]).toEqual([true, true, false]);
});
