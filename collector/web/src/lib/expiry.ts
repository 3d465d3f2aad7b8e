/** When something ends: after one of a few spans, or on a day that a person names. */
export interface Span {
  label: string;
  hours: number;
}

/** Hours as digits, or `on YYYY-MM-DD`: one text, as a select holds it. */
export type Expiry = string;

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export function inHours(hours: number): Expiry {
  return String(hours);
}

/** A day that begins to be named. */
export const ON_A_DAY: Expiry = "on ";

/** Null while no day is named. A day ends where this browser is. */
export function expiryMs(expiry: Expiry, nowMs: number): number | null {
  if (!expiry.startsWith(ON_A_DAY)) return nowMs + Number(expiry) * HOUR_MS;
  const end = new Date(`${expiry.slice(ON_A_DAY.length)}T23:59:59`).getTime();
  return Number.isNaN(end) ? null : end;
}

/** Whole days from now, never fewer than were asked for: the server counts in days. */
export function expiryDays(expiry: Expiry, nowMs: number): number | null {
  const end = expiryMs(expiry, nowMs);
  return end === null ? null : Math.ceil((end - nowMs) / DAY_MS);
}

/** `YYYY-MM-DD` here, as a date input wants it. */
export function dayOf(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
