import { describe, expect, it } from "vitest";
import { dayNumber, dayOf, daysSpan, monthGrid, movedDay, otherMonth } from "./calendar";

const day = (year: number, month: number, of: number) => dayNumber({ year, month, day: of });

it("has every day of a month once, in whole weeks", () => {
  const weeks = monthGrid({ year: 2026, month: 11 }, 1);
  expect(weeks.every((week) => week.length === 7)).toBe(true);
  // November 2026 begins on a Sunday and has 30 days: six weeks that begin on Mondays, five that begin on Sundays.
  expect(weeks).toHaveLength(6);
  expect(dayOf(weeks[0]?.[0] ?? 0)).toEqual({ year: 2026, month: 10, day: 26 });
  expect(monthGrid({ year: 2026, month: 11 }, 7)).toHaveLength(5);
  expect(weeks.flat().filter((number) => dayOf(number).month === 11)).toHaveLength(30);
});

describe("keys", () => {
  const at = day(2026, 11, 18);
  it.each([
    ["ArrowLeft", false, [2026, 11, 17]], ["ArrowRight", false, [2026, 11, 19]], ["ArrowUp", false, [2026, 11, 11]],
    ["ArrowDown", false, [2026, 11, 25]], ["Home", false, [2026, 11, 16]], ["End", false, [2026, 11, 22]],
    ["PageUp", false, [2026, 10, 18]], ["PageDown", false, [2026, 12, 18]], ["PageUp", true, [2025, 11, 18]], ["PageDown", true, [2027, 11, 18]],
  ] as const)("%s", (key, shiftKey, [y, m, d]) => expect(movedDay(at, { key, shiftKey }, 1)).toBe(day(y, m, d)));
  it("leaves other keys alone", () => expect(movedDay(at, { key: "a", shiftKey: false }, 1)).toBeNull());
});

it("stays at the last day of a shorter month", () => {
  expect(dayOf(otherMonth(day(2026, 3, 31), -1))).toEqual({ year: 2026, month: 2, day: 28 });
  expect(dayOf(otherMonth(day(2026, 1, 31), 1))).toEqual({ year: 2026, month: 2, day: 28 });
});

it("makes a range of whole days, in either order, and live up to today", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  expect(daysSpan(day(2026, 11, 20), day(2026, 11, 18), "utc", now)).toEqual({ from: String(Date.UTC(2026, 10, 18)), to: String(Date.UTC(2026, 10, 21)) });
  expect(daysSpan(day(2026, 11, 21), day(2026, 11, 22), "utc", now)).toEqual({ from: String(Date.UTC(2026, 10, 21)), to: "now" });
});
