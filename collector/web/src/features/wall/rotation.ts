/** Which of its views a screen shows, and for how long it has. Times are those of a clock that never goes back. */
export interface Turn {
  at: number;
  sinceMs: number;
  /** Since when it stands still; null while it goes on. */
  pausedMs: number | null;
}

export function firstTurn(nowMs: number): Turn {
  return { at: 0, sinceMs: nowMs, pausedMs: null };
}

/** From 0 to 1: how much of its time the view has had. */
export function progress({ sinceMs, pausedMs }: Turn, nowMs: number, everyMs: number): number {
  return Math.min(1, Math.max(0, ((pausedMs ?? nowMs) - sinceMs) / everyMs));
}

export function isDue(turn: Turn, nowMs: number, everyMs: number): boolean {
  return turn.pausedMs === null && progress(turn, nowMs, everyMs) >= 1;
}

/** `by` views on, or back where it is negative. What stands still goes on standing still. */
export function step({ at, pausedMs }: Turn, by: number, views: number, nowMs: number): Turn {
  return { at: (((at + by) % views) + views) % views, sinceMs: nowMs, pausedMs: pausedMs === null ? null : nowMs };
}

/** One on by itself, past views that have nothing of their own to say; where none has, to the next. */
export function stepPast(turn: Turn, views: number, nowMs: number, isSpent: (at: number) => boolean): Turn {
  const next = step(turn, 1, views, nowMs);
  let one = next;
  for (let tried = 1; isSpent(one.at); tried += 1) {
    if (tried >= views) return next;
    one = step(one, 1, views, nowMs);
  }
  return one;
}

/** Stops, or goes on with what was left of the view's time. */
export function toggled({ at, sinceMs, pausedMs }: Turn, nowMs: number): Turn {
  if (pausedMs === null) return { at, sinceMs, pausedMs: nowMs };
  return { at, sinceMs: sinceMs + nowMs - pausedMs, pausedMs: null };
}

/** How far the picture goes from its place, in steps. */
const REACH = 3;

/** There and back again: 0, 1, 2, 3, 2, 1, 0, -1 … */
function swing(minute: number): number {
  const period = 4 * REACH;
  const at = ((minute % period) + period) % period;
  return at <= REACH ? at : at <= 3 * REACH ? 2 * REACH - at : at - period;
}

/** Where the picture stands in this minute, so that nothing burns in: never more than a step from the minute before. */
export function shiftAt(minute: number): { x: number; y: number } {
  // The two are out of step, so that it gets to every corner.
  return { x: swing(minute), y: swing(Math.floor(minute / 2) + REACH) };
}
