/** The states of a device over a time, from the changes that are kept and the state that it has now. */
import { STATES } from "../../lib/state";
import type { State } from "../../lib/types";
import type { Item } from "../timeline/kinds";

export interface Stretch {
  /** Null: before the first change that is known. */
  state: State | null;
  from: number;
  to: number;
}

type Change = Pick<Item, "at" | "kind" | "state">;

export const stateIn = (change: Change | undefined): State | null => STATES.find((one) => one === change?.state) ?? null;

/** Newest change first, as the server tells them; they may reach back further than `from`. */
export function stateCourse(items: readonly Change[], now: State | null, bornMs: number, from: number, to: number): Stretch[] {
  const changes = items.filter(({ kind }) => kind === "state_changed");
  const all: Stretch[] = [];
  let end = to;
  for (const change of changes) {
    const at = Date.parse(change.at);
    if (at >= end) continue;
    all.unshift({ state: stateIn(change), from: Math.max(at, from), to: end });
    end = at;
    if (at <= from) break;
  }
  // Without any change it was all the time as it is; before the first one of several nobody tells how it was.
  if (end > from) all.unshift({ state: changes.length === 0 ? now : null, from: Math.max(from, Math.min(bornMs, end)), to: end });
  return all.filter((one) => one.to > one.from);
}

/**
 * The same of one that is shown as it is. That it became unknown may be no change yet: only what came since `heardMs` is
 * unknown then. `before`: how it was before the changes that are known.
 */
export function shownCourse(items: readonly Change[], { now, before, bornMs, heardMs, from, to }: {
  now: State; before: State | null; bornMs: number; heardMs: number; from: number; to: number;
}): Stretch[] {
  const isUntold = now === "unknown" && sinceWhen(items, now) === null;
  if (!isUntold) return stateCourse(items, now, bornMs, from, to);
  const until = Math.max(from, Math.min(heardMs, to));
  const tail: Stretch = { state: "unknown", from: until, to };
  return [...stateCourse(items, before, bornMs, from, until), tail].filter((one) => one.to > one.from);
}

/** Less than this says nothing of a day. */
export const SHARE_FROM_MS = 3_600_000;
/** So much may be missing of a day that is called a whole one. */
const DAY_SLACK = 0.99;

export interface UpShare {
  /** Null: it was not seen for long enough. */
  share: number | null;
  seenMs: number;
  /** It was seen for all of `lengthMs`. */
  isWhole: boolean;
}

/** Of the time of which the state is known, how much it was up; null where none is known. */
export function upShare(course: readonly Stretch[], lengthMs: number): UpShare | null {
  const length = (all: readonly Stretch[]) => all.reduce((sum, one) => sum + one.to - one.from, 0);
  const known = course.filter(({ state }) => state !== null && state !== "unknown");
  const seenMs = length(known);
  if (seenMs === 0) return null;
  const share = length(known.filter(({ state }) => state === "up")) / seenMs;
  return { share: seenMs < SHARE_FROM_MS ? null : rounded(share), seenMs, isWhole: seenMs >= DAY_SLACK * lengthMs };
}

/** To a tenth of a per cent, and down: a minute that it was away must not be read as «100 %». */
function rounded(share: number): number {
  return Math.floor(share * 1000 + 1e-9) / 1000;
}

/** Since when it is as it is. Null: for longer than the changes reach back, or it is shown otherwise than the last change said. */
export function sinceWhen(items: readonly Change[], now: State): string | null {
  const last = items.find(({ kind }) => kind === "state_changed");
  return last && stateIn(last) === now ? last.at : null;
}

/** No change is known at all. */
export function isSteady(items: readonly Change[]): boolean {
  return items.every(({ kind }) => kind !== "state_changed");
}
