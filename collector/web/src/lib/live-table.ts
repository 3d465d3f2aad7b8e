/**
 * Rows by key, patched in place, with one listener set per row.
 *
 * In: a snapshot (`replace`) and patches (`patch`, `remove`). Patches wait until `flush`, merged
 * per row, so the waiting set never exceeds the number of rows however long a tab sleeps. While a
 * snapshot is on its way they wait for it, so a row never goes back in time for good.
 */
export type Phase = "idle" | "loading" | "ready" | "failed";

type Listener = () => void;

/** A row on its way alone, and what came of it meanwhile. */
interface Load<T> {
  patch: Partial<T>;
  isGone: boolean;
}

export class LiveTable<T extends object> {
  phase: Phase = "idle";
  error: Error | null = null;
  /** Rises when rows come or go. */
  membership = 0;
  /** Rises when any row changes. */
  version = 0;
  /** Rises when rows come or go, or one of the fields changes that name a row. */
  naming = 0;

  readonly #keyOf: (row: Partial<T>) => string | undefined;
  readonly #named: readonly (keyof T)[];
  #rows = new Map<string, T>();
  #pending = new Map<string, Partial<T> | null>();
  /** The newest load of each row that is on its way alone. */
  readonly #fetching = new Map<string, Load<T>>();
  readonly #rowListeners = new Map<string, Set<Listener>>();
  readonly #listeners = new Set<Listener>();
  #list: readonly T[] | null = null;

  constructor(keyOf: (row: Partial<T>) => string | undefined, named: readonly (keyof T)[] = []) {
    this.#keyOf = keyOf;
    this.#named = named;
  }

  get(key: string): T | undefined {
    return this.#rows.get(key);
  }

  /** All rows as they stand; the same array until something changes. */
  list(): readonly T[] {
    return (this.#list ??= [...this.#rows.values()]);
  }

  get size(): number {
    return this.#rows.size;
  }

  subscribeRow(key: string, listener: Listener): () => void {
    let set = this.#rowListeners.get(key);
    if (!set) this.#rowListeners.set(key, (set = new Set()));
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#rowListeners.get(key) === set) this.#rowListeners.delete(key);
    };
  }

  /** Rows, membership or phase changed. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setPhase(phase: Phase, error: Error | null = null): void {
    this.phase = phase;
    this.error = error;
    for (const listener of this.#listeners) listener();
  }

  replace(rows: readonly T[]): void {
    const before = this.#rows;
    this.#rows = new Map();
    for (const row of rows) {
      const key = this.#keyOf(row);
      if (key !== undefined) this.#rows.set(key, row);
    }
    this.#touch(true);
    this.setPhase("ready");
    for (const key of new Set([...before.keys(), ...this.#rows.keys()])) this.#notify(key);
  }

  /** Loads one row alone. Patches that come meanwhile wait for it; what is removed meanwhile stays away. */
  async fetch<R extends T>(key: string, load: () => Promise<R>): Promise<R> {
    const own: Load<T> = { patch: {}, isGone: false };
    this.#fetching.set(key, own);
    const isNewest = () => this.#fetching.get(key) === own;
    try {
      const row = await load();
      // A later load of the same row knows more, and has the patches.
      if (isNewest() && !own.isGone) this.put({ ...row, ...own.patch });
      return row;
    } finally {
      if (isNewest()) this.#fetching.delete(key);
    }
  }

  /** One row that was loaded alone. */
  put(row: T): void {
    const key = this.#keyOf(row);
    if (key === undefined) return;
    const isNew = !this.#rows.has(key);
    this.#rows.set(key, row);
    this.#touch(isNew);
    this.naming += 1;
    this.#notify(key);
    for (const listener of this.#listeners) listener();
  }

  patch(patch: Partial<T>): void {
    const key = this.#keyOf(patch);
    if (key === undefined) return;
    const waiting = this.#pending.get(key);
    this.#pending.set(key, waiting ? { ...waiting, ...patch } : patch);
  }

  remove(key: string): void {
    this.#pending.set(key, null);
  }

  /** Applies what waits. Returns keys that were patched but are not known here. */
  flush(): string[] {
    if (this.phase === "loading" || this.#pending.size === 0) return [];
    const unknown: string[] = [];
    const pending = this.#pending;
    this.#pending = new Map();
    let changed = false;
    let members = false;
    for (const [key, patch] of pending) {
      const row = this.#rows.get(key);
      const early = this.#fetching.get(key);
      if (early && patch) early.patch = { ...early.patch, ...patch };
      if (patch === null) {
        if (early) early.isGone = true;
        if (!this.#rows.delete(key)) continue;
        members = true;
      } else if (row) {
        this.#rows.set(key, { ...row, ...patch });
        if (this.#named.some((field) => field in patch)) this.naming += 1;
      } else {
        if (!early) unknown.push(key);
        continue;
      }
      changed = true;
      this.#notify(key);
    }
    if (changed) {
      this.#touch(members);
      for (const listener of this.#listeners) listener();
    }
    return unknown;
  }

  clear(): void {
    this.#pending.clear();
    this.#fetching.clear();
    const keys = [...this.#rows.keys()];
    this.#rows = new Map();
    this.#touch(true);
    this.setPhase("idle");
    for (const key of keys) this.#notify(key);
  }

  #touch(members: boolean): void {
    this.#list = null;
    this.version += 1;
    if (!members) return;
    this.membership += 1;
    this.naming += 1;
  }

  #notify(key: string): void {
    const set = this.#rowListeners.get(key);
    if (set) for (const listener of set) listener();
  }
}
