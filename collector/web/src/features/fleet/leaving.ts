/** Devices that are about to be removed: out of sight, and for a moment still to be had back. */
import { useSyncExternalStore } from "react";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import { live } from "../../lib/live-app";
import { toast } from "../../lib/toasts";

/** How long one can think better of it. */
export const REMOVE_WAIT_MS = 8_000;

const BULK = "/api/v1/devices/bulk";

const listeners = new Set<() => void>();
let leaving: ReadonlySet<string> = new Set();

function set(next: ReadonlySet<string>): void {
  leaving = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLeaving(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => leaving);
}

const stay = (ids: readonly string[]) => set(new Set([...leaving].filter((id) => !ids.includes(id))));

/** From a page that goes away: at once, not in a later turn of it, and nobody waits for the answer. */
function sendLast(ids: readonly string[]): void {
  const body = JSON.stringify({ ids, delete: true });
  void fetch(BULK, { method: "POST", keepalive: true, headers: { "content-type": "application/json" }, body }).catch(() => {});
}

async function send(ids: readonly string[], called: string): Promise<void> {
  try {
    await take(api.POST(BULK, { body: { ids: [...ids], delete: true } }));
    for (const id of ids) live.forgetDevice(id);
    // What the stream still holds of them goes with the next frame.
    requestAnimationFrame(() => stay(ids));
  } catch (error) {
    stay(ids);
    toast({ text: `Not removed: ${called}. ${error instanceof Error ? error.message : String(error)}`, isBad: true });
  }
}

let isPageGoing = false;
addEventListener("pagehide", () => (isPageGoing = true), { capture: true });
addEventListener("pageshow", () => (isPageGoing = false));

/** Removes them in a moment, unless it is undone. A page that is left does it at once. `name`: of a single one. */
export function removeSoon(ids: readonly string[], name?: string): void {
  const called = name ?? counted(ids.length, "device");
  set(new Set([...leaving, ...ids]));
  toast({
    text: `${called} removed.`, ms: REMOVE_WAIT_MS,
    undo: () => {
      stay(ids);
      toast({ text: `${called} kept.` });
    },
    onEnd: () => (isPageGoing ? sendLast(ids) : void send(ids, called)),
  });
}
