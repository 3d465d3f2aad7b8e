/** Times of the range in the zone that it is read in: that of the browser, or UTC. `Intl` only. */
import { LOCALE } from "./format";

export type Zone = "local" | "utc";

export interface Civil {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export function civil(ms: number, zone: Zone): Civil {
  const at = new Date(ms);
  return zone === "utc"
    ? { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate(), hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds() }
    : { year: at.getFullYear(), month: at.getMonth() + 1, day: at.getDate(), hour: at.getHours(), minute: at.getMinutes(), second: at.getSeconds() };
}

/** Parts beyond their bounds run over: the 32nd is a day of the next month. */
export function instant({ year, month, day, hour = 0, minute = 0, second = 0 }: Pick<Civil, "year" | "month" | "day"> & Partial<Civil>, zone: Zone): number {
  return zone === "utc" ? Date.UTC(year, month - 1, day, hour, minute, second) : new Date(year, month - 1, day, hour, minute, second).getTime();
}

/** Midnight of that day; `by` days later. A day of summer time has 23 or 25 hours. */
export function midnight(ms: number, zone: Zone, by = 0): number {
  const { year, month, day } = civil(ms, zone);
  return instant({ year, month, day: day + by }, zone);
}

const two = (value: number) => String(value).padStart(2, "0");

/** RFC 3339 with the offset of the zone at that time: `2026-11-22T14:02:05.250+01:00`. */
export function rfc3339(ms: number, zone: Zone): string {
  const { year, month, day, hour, minute, second } = civil(ms, zone);
  const rest = ((ms % 1000) + 1000) % 1000;
  const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${rest ? `.${String(Math.round(rest)).padStart(3, "0")}` : ""}`;
  const offset = zone === "utc" ? 0 : -new Date(ms).getTimezoneOffset();
  if (zone === "utc") return `${text}Z`;
  const size = Math.abs(offset);
  return `${text}${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export interface ZoneWords {
  /** «14:02», or «14:02:31». */
  clock: (ms: number, withSeconds: boolean) => string;
  /** «Nov 22» */
  dayMonth: (ms: number) => string;
  /** «Nov 22, 2026» */
  day: (ms: number) => string;
  /** «Nov 22, 2026, 14:02:31» */
  dateTime: (ms: number) => string;
  /** «Nov 22, 14:02» */
  short: (ms: number) => string;
  /** «November 2026» */
  month: (ms: number) => string;
  /** «UTC», «GMT+1»: what stands behind a time that could be read in another zone. */
  name: string;
}

function made(zone: Zone): ZoneWords {
  const of = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(LOCALE, { ...options, ...(zone === "utc" ? { timeZone: "UTC" } : {}) });
    return (ms: number) => format.format(ms);
  };
  const minutes = of({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const seconds = of({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const dayMonth = of({ month: "short", day: "2-digit" });
  const part = new Intl.DateTimeFormat(LOCALE, { timeZoneName: "short", ...(zone === "utc" ? { timeZone: "UTC" } : {}) })
    .formatToParts().find(({ type }) => type === "timeZoneName");
  return {
    clock: (ms, withSeconds) => (withSeconds ? seconds : minutes)(ms),
    dayMonth,
    day: of({ year: "numeric", month: "short", day: "2-digit" }),
    dateTime: of({ year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    short: (ms) => `${dayMonth(ms)}, ${minutes(ms)}`,
    month: of({ year: "numeric", month: "long" }),
    name: zone === "utc" ? "UTC" : (part?.value ?? "local"),
  };
}

const known = new Map<Zone, ZoneWords>();

export function wordsIn(zone: Zone): ZoneWords {
  let words = known.get(zone);
  if (!words) known.set(zone, (words = made(zone)));
  return words;
}
