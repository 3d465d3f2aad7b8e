/** The time range of a page: as text in the URL, as typed by people, as milliseconds. */
import { civil, instant, midnight, type Zone } from "./zone";

export interface Range {
  /** `now-6h`, `now`, or milliseconds since 1970 as digits. */
  from: string;
  to: string;
}

export interface Span {
  from: number;
  to: number;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

export const DEFAULT_RANGE: Range = { from: "now-1h", to: "now" };
/** Shorter than this shows nothing but single samples. */
export const MIN_SPAN_MS = 10_000;
const MAX_SPAN_MS = 5 * 366 * 86_400_000;

export const PRESETS: readonly { from: string; label: string }[] = [
  { from: "now-5m", label: "Last 5 minutes" },
  { from: "now-15m", label: "Last 15 minutes" },
  { from: "now-1h", label: "Last hour" },
  { from: "now-6h", label: "Last 6 hours" },
  { from: "now-24h", label: "Last 24 hours" },
  { from: "now-7d", label: "Last 7 days" },
  { from: "now-30d", label: "Last 30 days" },
];

/** `now`, `now-90m` or absolute milliseconds; null when it is none of these. */
export function parsePoint(text: string, nowMs: number): number | null {
  if (text === "now") return nowMs;
  const relative = /^now([+-])(\d{1,9})([smhdw])$/.exec(text);
  if (relative) {
    const [, sign, count, unit] = relative;
    const ms = Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
    return sign === "-" ? nowMs - ms : nowMs + ms;
  }
  if (/^\d{10,15}$/.test(text)) return Number(text);
  return null;
}

export function resolve(range: Range, nowMs: number): Span | null {
  const from = parsePoint(range.from, nowMs);
  const to = parsePoint(range.to, nowMs);
  if (from === null || to === null) return null;
  const span = to - from;
  return span >= MIN_SPAN_MS && span <= MAX_SPAN_MS ? { from, to } : null;
}

export function isLive(range: Range): boolean {
  return range.to === "now";
}

/** What stands in the URL, made safe: anything odd falls back to the default. */
export function fromSearch(from: unknown, to: unknown, otherwise = DEFAULT_RANGE): Range {
  // A beginning alone means until now.
  const range = { from: searchText(from), to: searchText(to) || "now" };
  return resolve(range, Date.now()) ? range : otherwise;
}

/** What a page begins with: of something that is there for minutes, an hour would be empty. */
export function firstRange(bornMs: number, nowMs: number): Range {
  const seenS = (nowMs - bornMs) / 1000;
  return seenS < 5 * 60 ? { from: "now-5m", to: "now" } : seenS < 15 * 60 ? { from: "now-15m", to: "now" } : DEFAULT_RANGE;
}

function searchText(value: unknown): string {
  if (typeof value !== "string") return typeof value === "number" ? String(Math.trunc(value)) : "";
  // RFC 3339, as the API and logs tell times.
  return /^\d{4}-\d\d-\d\dT/.test(value) ? String(Date.parse(value)) : value;
}

export function absolute(fromMs: number, toMs: number): Range {
  const half = Math.max(0, (MIN_SPAN_MS - (toMs - fromMs)) / 2);
  return { from: String(Math.floor(fromMs - half)), to: String(Math.ceil(toMs + half)) };
}

/** Moves by half its length. Never past now, where there is nothing yet. */
export function shift(span: Span, direction: 1 | -1, nowMs: number): Range {
  const length = span.to - span.from;
  const to = Math.min(span.to + (direction * length) / 2, nowMs);
  return absolute(to - length, to);
}

/** Twice as long: back from now while live, else around the same middle. At the limit it stays. */
export function zoomOut(range: Range, nowMs: number): Range {
  const span = resolve(range, nowMs);
  if (!span) return range;
  const length = span.to - span.from;
  const to = Math.min(span.to + length / 2, nowMs);
  const wider = isLive(range)
    ? { from: twiceAgo(range.from) ?? absolute(span.to - 2 * length, span.to).from, to: range.to }
    : absolute(to - 2 * length, to);
  return resolve(wider, nowMs) ? wider : range;
}

/** Half as long: up to now while live, else around the same middle. Not below what shows anything. */
export function zoomIn(range: Range, nowMs: number): Range {
  const span = resolve(range, nowMs);
  if (!span) return range;
  const quarter = (span.to - span.from) / 4;
  if (2 * quarter < MIN_SPAN_MS) return range;
  if (!isLive(range)) return absolute(span.from + quarter, span.to - quarter);
  // In whole seconds a live range stays one, whatever its unit was.
  return { from: `now-${Math.round((2 * quarter) / 1000)}s`, to: "now" };
}

/** So long before the instant and so long after it, as far as there is an after: nothing is drawn of what is to come. */
export function around(atMs: number, halfMs: number, nowMs: number): Range {
  return absolute(atMs - halfMs, Math.max(atMs, Math.min(atMs + halfMs, nowMs)));
}

/** `now-6h` as `now-12h`. */
function twiceAgo(from: string): string | null {
  const relative = /^now-(\d{1,8})([smhdw])$/.exec(from);
  return relative ? `now-${2 * Number(relative[1])}${relative[2]}` : null;
}

const WORD_UNIT: Readonly<Record<string, string>> = {
  s: "s", sec: "s", second: "s",
  m: "m", min: "m", minute: "m",
  h: "h", hr: "h", hour: "h",
  d: "d", day: "d",
  w: "w", week: "w",
};

/** «6h», «last 3 days», «yesterday 14:00», «2026-11-20 14:00 to 16:30», «today». */
export function parseTyped(input: string, nowMs: number, zone: Zone = "local"): Range | null {
  const text = input.trim().toLowerCase().replace(/\s+/g, " ");
  const length = /^(?:last |past |now-)?(\d{1,6})? ?([a-z]+?)s?$/.exec(text);
  const unit = length ? WORD_UNIT[length[2] ?? ""] : undefined;
  if (length && unit) return checked({ from: `now-${length[1] ?? "1"}${unit}`, to: "now" }, nowMs);
  const parts = text.split(/ (?:to|until|-|–) |\.\.| *– */);
  const [first, second] = parts;
  if (!first || parts.length > 2) return null;
  const start = parseMoment(first, nowMs, null, zone);
  if (!start) return null;
  if (second === undefined) {
    // A day means the whole day; an instant means from then until now.
    if (!start.wholeDay) return checked({ from: String(start.at), to: "now" }, nowMs);
    const end = midnight(start.at, zone, 1);
    return checked({ from: String(start.at), to: end > nowMs ? "now" : String(end) }, nowMs);
  }
  if (second === "now") return checked({ from: String(start.at), to: "now" }, nowMs);
  const end = parseMoment(second, nowMs, start.at, zone);
  if (!end) return null;
  const to = end.wholeDay ? midnight(end.at, zone, 1) : end.at;
  return checked({ from: String(start.at), to: String(to) }, nowMs);
}

function checked(range: Range, nowMs: number): Range | null {
  return resolve(range, nowMs) ? range : null;
}

interface Moment {
  at: number;
  wholeDay: boolean;
}

/** `base` gives the day when the text has only a time. */
function parseMoment(text: string, nowMs: number, base: number | null, zone: Zone): Moment | null {
  const found = /^(?:(today|yesterday|\d{4}-\d{2}-\d{2}))?(?:[ t]?(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(
    text,
  );
  if (!found || text === "") return null;
  const [, dayText, hour, minute, second] = found;
  let day = civil(dayText === "yesterday" ? midnight(nowMs, zone, -1) : dayText === "today" ? nowMs : (base ?? nowMs), zone);
  if (dayText && dayText !== "today" && dayText !== "yesterday") {
    const [y, m, d] = dayText.split("-").map(Number);
    if (y === undefined || m === undefined || d === undefined) return null;
    day = civil(instant({ year: y, month: m, day: d }, zone), zone);
    if (day.month !== m || day.day !== d) return null;
  }
  const of = { year: day.year, month: day.month, day: day.day };
  if (hour === undefined) return { at: instant(of, zone), wholeDay: true };
  const time = { hour: Number(hour), minute: Number(minute), second: Number(second ?? 0) };
  if (time.hour > 23 || time.minute > 59 || time.second > 59) return null;
  return { at: instant({ ...of, ...time }, zone), wholeDay: false };
}

/** How the range reads on its button. */
export function label(range: Range, stamp: (ms: number) => string): string {
  const preset = range.to === "now" ? PRESETS.find((p) => p.from === range.from) : undefined;
  if (preset) return preset.label;
  const relative = /^now-(\d+)([smhdw])$/.exec(range.from);
  if (relative && range.to === "now") return `Last ${relative[1]} ${relative[2]}`;
  const part = (text: string) => (/^\d+$/.test(text) ? stamp(Number(text)) : text);
  const [from, to] = [part(range.from), part(range.to)];
  // Of one day the day is told once.
  const cut = from.lastIndexOf(", ") + 2;
  return `${from} – ${cut > 1 && to.startsWith(from.slice(0, cut)) ? to.slice(cut) : to}`;
}
