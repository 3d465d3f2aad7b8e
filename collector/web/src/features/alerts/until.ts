/** Until when an alert is silent: what a person types, and what is offered. Local time. */
import { parseSpan } from "../../lib/span";

/** The server takes no longer one. */
const SILENCE_MAX_MS = 30 * 86_400_000;
/** When people are back at their desks. */
const MORNING_H = 8;

export const PRESETS: readonly string[] = ["30 min", "1 h", "4 h", "tomorrow 08:00", "24 h", "7 d"];

function dayAt(nowMs: number, days: number, hour: number, minute: number): number {
  const at = new Date(nowMs);
  at.setDate(at.getDate() + days);
  return at.setHours(hour, minute, 0, 0);
}

const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** The day that is named, at midnight; null when it is none. */
function day(text: string, nowMs: number): number | null {
  if (text === "today") return dayAt(nowMs, 0, 0, 0);
  if (text === "tomorrow") return dayAt(nowMs, 1, 0, 0);
  const weekday = WEEKDAYS.indexOf(text.slice(0, 3));
  if (weekday >= 0 && /^[a-z]+$/.test(text)) {
    const days = (weekday - new Date(nowMs).getDay() + 7) % 7;
    return dayAt(nowMs, days === 0 ? 7 : days, 0, 0);
  }
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (!y) return null;
  const at = new Date(Number(y), Number(m) - 1, Number(d));
  return at.getMonth() === Number(m) - 1 && at.getDate() === Number(d) ? at.getTime() : null;
}

/** «45m», «14:30», «tomorrow 9:00», «mon 08:00», «2026-11-30 18:00». Null: not understood, or not in the next 30 days. */
export function parseUntil(input: string, nowMs: number): number | null {
  const text = input.trim().toLowerCase().replace(/^(for|until|in) /, "").replaceAll(/\s+/g, " ");
  const length = parseSpan(text);
  const at = length === null ? moment(text, nowMs) : nowMs + length * 1000;
  return at !== null && at > nowMs && at <= nowMs + SILENCE_MAX_MS ? at : null;
}

function moment(text: string, nowMs: number): number | null {
  const [, dayText, hour, minute] = /^(?:([a-z]+|\d{4}-\d{2}-\d{2}))?(?:[ t]?(\d{1,2}):(\d{2}))?$/.exec(text) ?? [];
  if (dayText === undefined && hour === undefined) return null;
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59) return null;
  const base = dayText === undefined ? dayAt(nowMs, 0, 0, 0) : day(dayText, nowMs);
  if (base === null) return null;
  const at = new Date(base).setHours(hour === undefined ? MORNING_H : Number(hour), Number(minute ?? 0));
  // A time alone is the next one of it.
  return dayText === undefined && at <= nowMs ? dayAt(nowMs, 1, Number(hour), Number(minute)) : at;
}
