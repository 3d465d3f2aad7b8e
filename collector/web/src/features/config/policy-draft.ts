/** The policy of a tenant as it stands in a form, what is wrong with it, and what is sent. */
import type { NewPolicy, Policy } from "./types";

export interface PolicyDraft {
  enabled: boolean;
  every: string;
  hasWindow: boolean;
  /** «HH:MM», in UTC. */
  from: string;
  to: string;
  perSite: string;
  keepDays: string;
  keepVersions: string;
}

/** Offered where there was none: the small hours of most of Europe. */
const USUAL_WINDOW = { from: "01:00", to: "05:00" };

export function draftOf(policy: Policy): PolicyDraft {
  const { from, to } = policy.window ?? USUAL_WINDOW;
  return {
    enabled: policy.enabled, every: String(policy.every_s), hasWindow: policy.window !== null, from, to,
    perSite: String(policy.per_site_max), keepDays: String(policy.keep_days), keepVersions: String(policy.keep_versions),
  };
}

function whole(text: string, min: number, max: number): string | null {
  const isIn = /^\d{1,5}$/.test(text.trim()) && Number(text) >= min && Number(text) <= max;
  return isIn ? null : `It must be ${min} to ${max}.`;
}

const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** By the names that the server gives the fields. */
export function draftWrong(draft: PolicyDraft): Readonly<Record<string, string>> {
  const isClock = !draft.hasWindow || (CLOCK.test(draft.from) && CLOCK.test(draft.to));
  const wrong: Record<string, string | null> = {
    window: !isClock ? "Give both times, as 01:30." : draft.hasWindow && draft.from === draft.to ? "It must not end when it begins." : null,
    per_site_max: whole(draft.perSite, 1, 64),
    keep_days: whole(draft.keepDays, 1, 3650),
    keep_versions: whole(draft.keepVersions, 1, 1000),
  };
  return Object.fromEntries(Object.entries(wrong).filter((entry): entry is [string, string] => entry[1] !== null));
}

export function policyOf(draft: PolicyDraft, tenant: string): NewPolicy {
  return {
    tenant, enabled: draft.enabled, every_s: Number(draft.every),
    window: draft.hasWindow ? { from: draft.from, to: draft.to } : null,
    per_site_max: Number(draft.perSite), keep_days: Number(draft.keepDays), keep_versions: Number(draft.keepVersions),
  };
}

/** What a time of day in UTC is here: «02:30», on the day of `nowMs`. */
export function localClock(utc: string, nowMs: number, format: (ms: number) => string): string | null {
  if (!CLOCK.test(utc)) return null;
  const [hours, minutes] = utc.split(":").map(Number);
  const at = new Date(nowMs);
  at.setUTCHours(hours ?? 0, minutes ?? 0, 0, 0);
  return format(at.getTime());
}
