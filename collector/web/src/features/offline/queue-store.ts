/** The queue of the person who is signed in, kept in this browser and the same in all its tabs. */
import { useSyncExternalStore } from "react";
import { enqueued, parsed, type QueuedAct, waitingFor } from "./queue";

const PREFIX = "farwatch.queue.";

class QueueStore {
  readonly #listeners = new Set<() => void>();
  #user = "";
  #all: readonly QueuedAct[] = [];

  /** Whose it is; nobody's before it is known. */
  open(user: string): () => void {
    this.#user = user;
    this.reload();
    const onStorage = ({ key }: StorageEvent) => key === PREFIX + user && this.reload();
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  all = (): readonly QueuedAct[] => this.#all;

  /** Another tab may have changed it. */
  reload(): readonly QueuedAct[] {
    this.#set(this.#user ? parsed(localStorage.getItem(PREFIX + this.#user)) : []);
    return this.#all;
  }

  /** False: it is full, or cannot be kept. */
  add(one: Omit<QueuedAct, "id" | "at">): boolean {
    const more = enqueued(this.reload(), { ...one, id: crypto.randomUUID(), at: Date.now() });
    return more !== null && this.change(() => more);
  }

  change(how: (all: readonly QueuedAct[]) => readonly QueuedAct[]): boolean {
    const all = how(this.reload());
    try {
      localStorage.setItem(PREFIX + this.#user, JSON.stringify(all));
    } catch {
      return false;
    }
    this.#set(all);
    return true;
  }

  #set(all: readonly QueuedAct[]): void {
    this.#all = all;
    for (const listener of this.#listeners) listener();
  }
}

export const queueStore = new QueueStore();

export function useQueue(): readonly QueuedAct[] {
  return useSyncExternalStore(queueStore.subscribe, queueStore.all);
}

/** What waits for one alert. */
export function useQueued(alert: string): QueuedAct["act"] | null {
  return useSyncExternalStore(queueStore.subscribe, () => waitingFor(queueStore.all(), alert));
}
