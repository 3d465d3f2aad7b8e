/** Numbers and times in words. `Intl` only; a missing value is an en dash, never a zero. */
export const NONE = "–";

export const LOCALE = typeof navigator === "undefined" ? "en" : navigator.language;
const fixed = (digits: number) =>
  new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = fixed(0);
const one = fixed(1);
const two = fixed(2);
const three = fixed(3);

type Value = number | null | undefined;

function given(value: Value): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

export function integer(value: Value): string {
  return given(value) ? whole.format(value) : NONE;
}

const short = new Intl.NumberFormat(LOCALE, { notation: "compact" });

/** «16K»: where there is little room. */
export function compact(value: number): string {
  return short.format(value);
}

/** «1 agent», «1,200 devices». */
export function counted(count: number, thing: string): string {
  return `${integer(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** A column of one unit: Mbit/s in three figures, or as many digits as small values need. */
export function megabits(bps: Value): string {
  if (!given(bps)) return NONE;
  const value = bps / 1e6;
  if (value === 0) return "0";
  if (value < 0.001) return "<0.001";
  if (value < 1) return three.format(value);
  return threeFigures(value);
}

export function perSecond(value: Value): string {
  if (!given(value)) return NONE;
  if (value === 0) return "0";
  if (value < 0.01) return "<0.01";
  return threeFigures(value);
}

export function percent(fraction: Value): string {
  if (!given(fraction)) return NONE;
  const value = fraction * 100;
  return value > 0 && value < 0.1 ? "<0.1" : one.format(value);
}

/** «1.50», «12.0», «120»: a load average, or a time in milliseconds. */
export function threeFigures(value: Value): string {
  if (!given(value)) return NONE;
  return value < 10 ? two.format(value) : value < 100 ? one.format(value) : whole.format(value);
}

const small = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 2 });
/** Below it two decimals would say nothing but zeros; what is below the second is none. */
const [SMALL, NOTHING] = [0.1, 1e-6];

const PREFIXES = ["", "k", "M", "G", "T", "P"] as const;

/**
 * Prefix chosen per value: for headings, tooltips and chart axes, not for columns. Of bytes those of 1,024, as alerts
 * and the files of collector and agents have them.
 */
export function si(value: Value, unit: string): string {
  if (!given(value)) return NONE;
  const isBytes = unit === "B";
  const base = isBytes ? 1024 : 1000;
  let step = 0;
  let scaled = value;
  while (Math.abs(scaled) >= base && step < PREFIXES.length - 1) {
    scaled /= base;
    step += 1;
  }
  const size = Math.abs(scaled);
  const digits = size === 0 || size >= 100 || Number.isInteger(scaled) ? whole : size >= 10 ? one : size >= SMALL || size < NOTHING ? two : small;
  const prefix = PREFIXES[step] ?? "";
  return `${digits.format(scaled)} ${isBytes && prefix ? `${prefix.toUpperCase()}i` : prefix}${unit}`.trimEnd();
}

/** Units that take no prefix: their values are read as they are. */
const PLAIN: ReadonlySet<string> = new Set(["%", "ms", "°C", "rpm", "dB", "dBm"]);

/** A value in its unit, with a prefix where the unit takes one. */
export function reading(value: Value, unit: string): string {
  if (!given(value)) return NONE;
  // Nobody reads megaseconds, and everybody reads «Ms» as milliseconds.
  if (unit === "s" && Math.abs(value) >= 120) return value < 0 ? `-${exactDuration(-value)}` : exactDuration(value);
  if (!PLAIN.has(unit)) return si(value, unit);
  const size = Math.abs(value);
  if (unit === "ms") return `${threeFigures(value)} ms`;
  return `${size >= 1000 || Number.isInteger(value) ? whole.format(value) : one.format(value)} ${unit}`;
}

export function bytes(value: Value): string {
  return si(value, "B");
}

/** «12 s», «4 min», «3 h 05 min», «6 d 4 h»: two parts at most. */
export function duration(seconds: Value): string {
  if (!given(seconds)) return NONE;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  return d < 100 && h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

/** As `duration`, and below an hour to the second: «2 min 57 s». */
export function exactDuration(seconds: Value): string {
  if (!given(seconds)) return NONE;
  const s = Math.max(0, Math.floor(seconds));
  return s < 120 || s >= 3600 || s % 60 === 0 ? duration(s) : `${Math.floor(s / 60)} min ${s % 60} s`;
}

/** A short age for narrow columns: «3s», «4m», «2h», «6d». */
export function age(seconds: Value): string {
  if (!given(seconds)) return NONE;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h`;
  return `${Math.floor(s / 86_400)}d`;
}

const stamp = new Intl.DateTimeFormat(LOCALE, {
  year: "numeric", month: "short", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "short", day: "2-digit" });

const minutes = new Intl.DateTimeFormat(LOCALE, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const seconds = new Intl.DateTimeFormat(LOCALE, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const DAY_MS = 86_400_000;
const monthDay = new Intl.DateTimeFormat(LOCALE, { month: "short", day: "2-digit" });

export function clockTime(ms: number, withSeconds: boolean): string {
  return (withSeconds ? seconds : minutes).format(ms);
}

/** Tells times of one list or axis: by the clock, and with their dates where they lie more than a day apart. */
export function clockOf(times: readonly { at: string }[]): (ms: number) => string {
  const all = times.map(({ at }) => Date.parse(at));
  const isLong = Math.max(...all) - Math.min(...all) > DAY_MS;
  return (ms) => (isLong ? `${monthDay.format(ms)}, ${minutes.format(ms)}` : seconds.format(ms));
}

function date(at: string | number): Date | null {
  const value = new Date(at);
  return Number.isNaN(value.getTime()) ? null : value;
}

export function dateTime(at: string | number | null | undefined): string {
  const value = at === null || at === undefined ? null : date(at);
  return value ? stamp.format(value) : NONE;
}

/** «2026-11-22», for the name of a file: the day here, not that of UTC. */
export function fileDay(at: string): string {
  const value = new Date(at);
  return [value.getFullYear(), value.getMonth() + 1, value.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

export function dateOnly(at: string | number | null | undefined): string {
  const value = at === null || at === undefined ? null : date(at);
  return value ? day.format(value) : NONE;
}

/** Since or until when something is so: «14:02», or with its date where that is another day than today. */
export function sinceTime(at: string | null | undefined, nowMs: number): string {
  const value = at === null || at === undefined ? null : date(at);
  if (!value) return NONE;
  const isToday = value.toDateString() === new Date(nowMs).toDateString();
  return isToday ? minutes.format(value) : `${monthDay.format(value)}, ${minutes.format(value)}`;
}

/** A moment to the second: «14:02:31», or with its date where that is another day than today. */
export function momentTime(at: string, nowMs: number): string {
  const value = date(at);
  if (!value) return NONE;
  const isToday = value.toDateString() === new Date(nowMs).toDateString();
  return isToday ? seconds.format(value) : `${monthDay.format(value)}, ${seconds.format(value)}`;
}

/** The product and release of a sysDescr, without the compiler's life story. */
export function shortModel(model: string | null | undefined): string {
  if (!model) return NONE;
  const line = model.split(/[\r\n]/, 1)[0]?.trim() ?? "";
  const story = line.split(/,? (?:Copyright|Compiled|Technical Support|RELEASE SOFTWARE|#\d|\(fc\d)/i, 1)[0] ?? line;
  const head = story.replaceAll(/ Software\b| \([^)]*\)| \[[^\]]*\]|, Inc\.| internet router\b| kernel\b| Version\b/g, "").replace(/,$/, "");
  return head.length > 60 ? `${head.slice(0, 59)}…` : head;
}

/** Names with numbers in them, in the order people count. */
export const byName = new Intl.Collator(LOCALE, { numeric: true, sensitivity: "base" }).compare;
