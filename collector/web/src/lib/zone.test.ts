import { expect, it } from "vitest";
import { civil, instant, midnight, rfc3339, wordsIn } from "./zone";
import { parseTyped } from "./range";

const NOON = Date.UTC(2026, 10, 22, 12, 0, 5, 250);

it("reads and makes instants in UTC and here", () => {
  expect(civil(NOON, "utc")).toEqual({ year: 2026, month: 11, day: 22, hour: 12, minute: 0, second: 5 });
  for (const zone of ["utc", "local"] as const) expect(instant(civil(NOON, zone), zone)).toBe(NOON - 250);
  expect(instant({ year: 2026, month: 13, day: 1 }, "utc")).toBe(Date.UTC(2027, 0, 1));
  expect(midnight(NOON, "utc", 1)).toBe(Date.UTC(2026, 10, 23));
});

it("writes RFC 3339 with the zone, and reads back as the same instant", () => {
  expect(rfc3339(NOON, "utc")).toBe("2026-11-22T12:00:05.250Z");
  expect(rfc3339(NOON - 250, "utc")).toBe("2026-11-22T12:00:05Z");
  expect(rfc3339(NOON, "local")).toMatch(/^2026-11-2\dT\d\d:\d\d:05\.250[+-]\d\d:\d\d$/);
  expect(Date.parse(rfc3339(NOON, "local"))).toBe(NOON);
});

it("tells times in UTC, wherever the browser is", () => {
  expect(wordsIn("utc").clock(NOON, true)).toBe("12:00:05");
  expect(wordsIn("utc").name).toBe("UTC");
});

it("reads what is typed in the zone that is shown", () => {
  expect(parseTyped("yesterday 14:00 to 16:30", NOON, "utc")).toEqual({ from: String(Date.UTC(2026, 10, 21, 14)), to: String(Date.UTC(2026, 10, 21, 16, 30)) });
  expect(parseTyped("2026-11-18", NOON, "utc")).toEqual({ from: String(Date.UTC(2026, 10, 18)), to: String(Date.UTC(2026, 10, 19)) });
});
