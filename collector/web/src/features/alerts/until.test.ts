import { expect, it } from "vitest";
import { parseUntil, PRESETS } from "./until";

/** A Sunday. */
const NOW = new Date(2026, 10, 22, 14, 10, 30).getTime();
const at = (day: number, hour: number, minute = 0, month = 10) => new Date(2026, month, day, hour, minute).getTime();

it.each([
  ["45m", NOW + 45 * 60_000],
  ["for 1h 30m", NOW + 90 * 60_000],
  ["2 days", NOW + 48 * 3_600_000],
  ["15:00", at(22, 15)],
  ["9:30", at(23, 9, 30)],
  ["until tomorrow", at(23, 8)],
  ["Tomorrow 09:15", at(23, 9, 15)],
  ["mon 18:00", at(23, 18)],
  ["sunday", at(29, 8)],
  ["2026-12-01 07:30", at(1, 7, 30, 11)],
])("understands «%s»", (text, ms) => expect(parseUntil(text, NOW)).toBe(ms));

it.each(["", "soon", "5", "31d", "today 09:00", "25:00", "9:75", "2026-02-31", "2027-11-22", "0m", "1h x"])(
  "refuses «%s»", (text) => expect(parseUntil(text, NOW)).toBeNull());

it.each(PRESETS)("understands what it offers: «%s»", (text) => expect(parseUntil(text, NOW)).not.toBeNull());
