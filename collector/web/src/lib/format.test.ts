import { expect, it } from "vitest";
import {
  age, bytes, clockOf, duration, fileDay, megabits, NONE, percent, perSecond, reading, shortModel, si, sinceTime,
} from "./format";

it("keeps a missing value apart from zero", () => {
  for (const format of [megabits, perSecond, percent, duration, age, bytes]) {
    expect(format(null)).toBe(NONE);
    expect(format(Number.NaN)).toBe(NONE);
  }
  expect(megabits(0)).toBe("0");
});

it("keeps one unit per column and never rounds traffic to nothing", () => {
  expect([100, 1234, 560_000, 1_500_000, 99_990_000, 1_234_500_000].map(megabits)).toEqual([
    "<0.001", "0.001", "0.560", "1.50", "100.0", "1,235",
  ]);
  expect([0.001, 0.5, 12.34, 4321].map(perSecond)).toEqual(["<0.01", "0.50", "12.3", "4,321"]);
  expect([0, 0.0001, 0.123, 1].map(percent)).toEqual(["0.0", "<0.1", "12.3", "100.0"]);
});

it("picks SI prefixes", () => {
  expect([0, 999, 1000, 1_540_000, 8.21e9].map((v) => si(v, "b/s"))).toEqual([
    "0 b/s", "999 b/s", "1 kb/s", "1.54 Mb/s", "8.21 Gb/s",
  ]);
});

it("counts bytes by 1,024", () => {
  expect([0, 1023, 1536, 70_000, 2 ** 20, 2 * 2 ** 30, 5 * 2 ** 40].map(bytes)).toEqual([
    "0 B", "1,023 B", "1.50 KiB", "68.4 KiB", "1 MiB", "2 GiB", "5 TiB",
  ]);
  expect(reading(1.5 * 2 ** 30, "B")).toBe("1.50 GiB");
});

it("tells small values apart from zero and from each other", () => {
  expect([0.5, 0.09, 0.0033, -0.00041, 1e-9].map((v) => si(v, "A"))).toEqual(["0.50 A", "0.09 A", "0.0033 A", "-0.00041 A", "0.00 A"]);
});

it("reads seconds as minutes, hours and days", () => {
  expect([0, 90, 177, 3600, 5400, 100_000, -7200].map((v) => reading(v, "s"))).toEqual([
    "0 s", "90 s", "2 min 57 s", "1 h", "1 h 30 min", "1 d 3 h", "-2 h",
  ]);
});

it("tells durations in two parts at most", () => {
  expect([3, 119, 600, 3600, 11_100, 90_000, 9e6].map(duration)).toEqual([
    "3 s", "119 s", "10 min", "1 h", "3 h 5 min", "1 d 1 h", "104 d",
  ]);
  expect([3, 61, 7200, 200_000].map(age)).toEqual(["3s", "1m", "2h", "2d"]);
});

it("tells the time since or until when something is so, with its date on another day", () => {
  const now = new Date(2026, 10, 21, 12).getTime();
  const ago = (hours: number) => sinceTime(new Date(now - hours * 3_600_000).toISOString(), now);
  expect(ago(1)).toMatch(/^\d\d:\d\d$/);
  expect(ago(30)).toMatch(/20.*, \d\d:\d\d$/);
  expect(ago(-1)).toMatch(/^\d\d:\d\d$/);
  // Tomorrow at 08:00 is less than a day away, and not today.
  expect(ago(-20)).toMatch(/22.*, 08:00$/);
  expect(ago(-7 * 24)).toMatch(/28.*, 12:00$/);
  expect(sinceTime(null, now)).toBe(NONE);
});

it("tells times of one list by the clock, with dates where they lie far apart", () => {
  const at = (day: number, hour: number) => ({ at: new Date(2026, 10, day, hour).toISOString() });
  const noon = new Date(2026, 10, 20, 12).getTime();
  expect(clockOf([at(20, 10), at(20, 14)])(noon)).toBe("12:00:00");
  expect(clockOf([at(18, 10), at(20, 14)])(noon)).toMatch(/20.*, 12:00$/);
});

it("names a file by the day here", () => {
  expect(fileDay(new Date(2026, 0, 3, 0, 30).toISOString())).toBe("2026-01-03");
});

it("shortens a system description", () => {
  expect(shortModel("Cisco IOS, Version 15.2(7)E, Copyright (c) 1986\r\nCompiled")).toBe(
    "Cisco IOS, 15.2(7)E",
  );
  expect(shortModel("Cisco IOS Software [Cupertino], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 17.9.4, RELEASE SOFTWARE (fc5)")).toBe(
    "Cisco IOS, Catalyst L3 Switch, 17.9.4",
  );
  expect(shortModel("Juniper Networks, Inc. srx345 internet router, kernel JUNOS 15.1X49")).toBe("Juniper Networks srx345, JUNOS 15.1X49");
  expect(shortModel("Linux gateway 6.1.0 #1 SMP x86_64")).toBe("Linux gateway 6.1.0");
  expect(shortModel("x".repeat(80))).toHaveLength(60);
  expect(shortModel("")).toBe(NONE);
});
