/** What was just done, told for a while, with the way back. Core: the time is given to it. */
export interface Toast {
  id: number;
  text: string;
  /** It failed, or a part of it did: it stays until it is closed. */
  isBad?: boolean;
  undo?: () => void;
  /** What it was done with: what is done with the same later takes its place. */
  about?: string;
  /** The time to undo ran out: what waited for it is done now. */
  onEnd?: () => void;
  /** How long it stays. */
  ms: number;
}

export type NewToast = Omit<Toast, "id" | "ms"> & { ms?: number };

/** Older ones make room: what waits for them is done then. */
export const TOASTS_MAX = 3;
const PLAIN_MS = 6_000;
/** To undo takes a look and a thought. */
export const UNDO_MS = 10_000;

interface Shown {
  toast: Toast;
  /** When it goes; null: not by itself. */
  endsAt: number | null;
  /** What is left while it is held. */
  leftMs: number | null;
}

export class Toasts {
  readonly #listeners = new Set<() => void>();
  #shown: Shown[] = [];
  #list: readonly Toast[] = [];
  #next = 1;
  #isHeld = false;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  list = (): readonly Toast[] => this.#list;

  push({ ms, ...what }: NewToast, nowMs: number): number {
    const life = what.isBad && ms === undefined ? null : (ms ?? (what.undo ? UNDO_MS : PLAIN_MS));
    const id = this.#next++;
    const older = what.about ? this.#shown.filter(({ toast: { about } }) => about === what.about) : [];
    for (const one of older) this.#end(one.toast.id);
    this.#shown.push({
      toast: { ...what, id, ms: life ?? 0 }, endsAt: life === null || this.#isHeld ? null : nowMs + life, leftMs: this.#isHeld ? life : null,
    });
    while (this.#shown.length > TOASTS_MAX) this.#end(this.#shown[0]?.toast.id ?? 0);
    this.#tell();
    return id;
  }

  /** While a hand or the focus is on them, none goes away. */
  hold(nowMs: number): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    for (const one of this.#shown) {
      one.leftMs = one.endsAt === null ? null : Math.max(0, one.endsAt - nowMs);
      one.endsAt = null;
    }
  }

  release(nowMs: number): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    for (const one of this.#shown) {
      one.endsAt = one.leftMs === null ? null : nowMs + one.leftMs;
      one.leftMs = null;
    }
  }

  /** Ends those whose time is over; returns when the next one is due, or null. */
  tick(nowMs: number): number | null {
    const due = this.#shown.filter(({ endsAt }) => endsAt !== null && endsAt <= nowMs);
    for (const one of due) this.#end(one.toast.id);
    if (due.length > 0) this.#tell();
    const ends = this.#shown.flatMap(({ endsAt }) => endsAt ?? []);
    return ends.length > 0 ? Math.min(...ends) : null;
  }

  close(id: number): void {
    this.#end(id);
    this.#tell();
  }

  /** Undoes the newest that can be, or this one. */
  undo(id = this.#shown.findLast((one) => one.toast.undo)?.toast.id ?? 0): void {
    const one = this.#shown.find((other) => other.toast.id === id);
    this.#shown = this.#shown.filter((other) => other !== one);
    this.#tell();
    one?.toast.undo?.();
  }

  /** The page goes away: what waits is done now. */
  endAll(): void {
    const all = this.#shown;
    for (const one of all) this.#end(one.toast.id);
    this.#tell();
  }

  #end(id: number): void {
    const one = this.#shown.find((other) => other.toast.id === id);
    this.#shown = this.#shown.filter((other) => other !== one);
    one?.toast.onEnd?.();
  }

  #tell(): void {
    this.#list = this.#shown.map((one) => one.toast);
    for (const listener of this.#listeners) listener();
  }
}

export const toasts = new Toasts();

export function toast(what: NewToast): number {
  return toasts.push(what, Date.now());
}
