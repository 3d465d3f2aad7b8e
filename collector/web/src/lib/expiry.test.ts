import { expect, it } from "vitest";
import { DAY_MS, dayOf, expiryDays, expiryMs, inHours, ON_A_DAY } from "./expiry";

const NOW = new Date("2026-11-21T10:00:00").getTime();

it("counts a span from now", () => {
  expect(expiryMs(inHours(8), NOW)).toBe(NOW + 8 * 3_600_000);
  expect(expiryDays(inHours(90 * 24), NOW)).toBe(90);
});

it("keeps the whole of a named day, and waits while none is named", () => {
  expect(expiryDays(`${ON_A_DAY}2026-11-21`, NOW)).toBe(1);
  expect(expiryDays(`${ON_A_DAY}2026-11-30`, NOW)).toBe(10);
  expect(expiryMs(ON_A_DAY, NOW)).toBeNull();
  expect(dayOf(NOW + DAY_MS)).toBe("2026-11-22");
});
