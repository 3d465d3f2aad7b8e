/** The month grid of the range picker: its days, and where the keys lead (WAI-ARIA date grid). */
import { LOCALE } from "../../lib/format";
import { civil, instant, type Zone } from "../../lib/zone";

/** A day of the calendar, without a time. Months count from 1. */
export interface Day {
  year: number;
  month: number;
  day: number;
}

const DAY_MS = 86_400_000;
const WEEK = 7;

/** As a number that orders days; calendar days know no zone. */
export function dayNumber({ year, month, day }: Day): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

export function dayOf(number: number): Day {
  const { year, month, day } = civil(number * DAY_MS, "utc");
  return { year, month, day };
}

export function dayAt(ms: number, zone: Zone): Day {
  const { year, month, day } = civil(ms, zone);
  return { year, month, day };
}

interface WeekInfo {
  firstDay: number;
}

/** 1 is Monday, 7 is Sunday; Monday where the browser does not tell. */
export function firstWeekday(): number {
  const locale = new Intl.Locale(LOCALE) as Intl.Locale & { getWeekInfo?: () => WeekInfo; weekInfo?: WeekInfo };
  return (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? 1;
}

/** 0 for the day a week begins with, up to 6. 1970-01-01 was a Thursday. */
function placeInWeek(number: number, first: number): number {
  return (((number + 4 - first) % WEEK) + WEEK) % WEEK;
}

/** All weeks that have a day of the month, as day numbers; days of the months beside it are among them. */
export function monthGrid({ year, month }: Pick<Day, "year" | "month">, first: number): number[][] {
  const begin = dayNumber({ year, month, day: 1 });
  const end = dayNumber(dayOf(Date.UTC(year, month, 0) / DAY_MS));
  const top = begin - placeInWeek(begin, first);
  const weeks = Math.ceil((end - top + 1) / WEEK);
  return Array.from({ length: weeks }, (_, week) => Array.from({ length: WEEK }, (_day, i) => top + week * WEEK + i));
}

/** The same day of another month, or its last one. */
export function otherMonth(number: number, by: number): number {
  const { year, month, day } = dayOf(number);
  const last = dayOf(Date.UTC(year, month - 1 + by + 1, 0) / DAY_MS).day;
  return Date.UTC(year, month - 1 + by, Math.min(day, last)) / DAY_MS;
}

/** The day that a key leads to; null where it is no key of the grid. */
export function movedDay(number: number, { key, shiftKey }: { key: string; shiftKey: boolean }, first: number): number | null {
  switch (key) {
    case "ArrowLeft":
      return number - 1;
    case "ArrowRight":
      return number + 1;
    case "ArrowUp":
      return number - WEEK;
    case "ArrowDown":
      return number + WEEK;
    case "Home":
      return number - placeInWeek(number, first);
    case "End":
      return number - placeInWeek(number, first) + WEEK - 1;
    case "PageUp":
      return otherMonth(number, shiftKey ? -12 : -1);
    case "PageDown":
      return otherMonth(number, shiftKey ? 12 : 1);
    default:
      return null;
  }
}

/** From the beginning of the one day to the end of the other, whichever comes first; up to now where that is today. */
export function daysSpan(a: number, b: number, zone: Zone, nowMs: number): { from: string; to: string } {
  const [first, last] = [Math.min(a, b), Math.max(a, b)];
  const end = instant(dayOf(last + 1), zone);
  return { from: String(instant(dayOf(first), zone)), to: end > nowMs ? "now" : String(end) };
}
