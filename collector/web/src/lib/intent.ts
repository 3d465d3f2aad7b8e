/** What a page is to open as soon as it is there, asked for from another one. */
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

export type Intent = "device" | "agent" | "site";

const listeners = new Set<() => void>();
let wanted: Intent | null = null;

function set(next: Intent | null): void {
  wanted = next;
  for (const listener of listeners) listener();
}

export function intend(what: Intent): void {
  set(what);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Acts once when it is asked for. */
export function useIntent(what: Intent, act: () => void): void {
  const isWanted = useSyncExternalStore(subscribe, () => wanted === what);
  const take = useEffectEvent(() => {
    set(null);
    act();
  });
  useEffect(() => {
    if (isWanted) take();
  }, [isWanted]);
}
