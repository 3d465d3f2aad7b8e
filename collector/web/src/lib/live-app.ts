/** The live store of this page and its hooks. */
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { ApiError, api, PAGE, take, takeAll } from "./api";
import { serverNow, subscribeSecond } from "./clock";
import { LiveStore } from "./live";
import { LiveLink, type LinkStatus } from "./live-link";
import type { LiveTable } from "./live-table";
import type { Agent, Alert, Device, Interface } from "./types";

export const live = new LiveStore(
  {
    devices: () =>
      takeAll((cursor) =>
        take(api.GET("/api/v1/devices", { params: { query: page(cursor) } })),
      ),
    device: (id) => orGone(take(api.GET("/api/v1/devices/{id}", { params: { path: { id } } }))),
    alerts: () =>
      takeAll((cursor) =>
        take(api.GET("/api/v1/alerts", { params: { query: { phase: "open", ...page(cursor) } } })),
      ),
    alert: async (id) => {
      const found = await orGone(take(api.GET("/api/v1/alerts/{id}", { params: { path: { id } } })));
      if (!found) return null;
      // A row is what the list tells: the stream keeps no more of it up to date.
      const { evidence: _, history: __, ...row } = found;
      return row;
    },
    agents: () =>
      takeAll((cursor) => take(api.GET("/api/v1/agents", { params: { query: page(cursor) } }))),
    interfaces: (id) =>
      takeAll((cursor) =>
        take(
          api.GET("/api/v1/devices/{id}/interfaces", {
            params: { path: { id }, query: page(cursor) },
          }),
        ),
      ),
  },
  {
    frame: (callback) => requestAnimationFrame(callback),
    after: (ms, callback) => setTimeout(callback, ms),
    now: () => Date.now(),
  },
);

async function orGone<T>(answer: Promise<{ data: T }>): Promise<T | null> {
  try {
    return (await answer).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function page(cursor: string | undefined): { limit: number; cursor?: string } {
  return cursor === undefined ? { limit: PAGE } : { limit: PAGE, cursor };
}

let link: LiveLink | null = null;

/** What is done when the stream is refused, and when another tab says that it may be. */
interface Ends {
  onSignedOut: () => void;
  onDoubt: () => void;
}

/** Connects after sign-in, before a page asks for anything. `keptAt`: what is shown until then is of that time. */
export function connectLive({ onSignedOut, onDoubt }: Ends, keptAt?: number): void {
  if (link) return;
  link = new LiveLink(live, onSignedOut, onDoubt, keptAt);
  link.start();
}

/** Ends the stream and forgets what was shown. `tell` ends the session in the other tabs too. */
export function disconnectLive(tell: boolean): void {
  if (tell) link?.sayGoodbye();
  link?.stop();
  link = null;
  live.reset();
}

const OFFLINE: LinkStatus = { phase: "connecting", heardAt: 0, devices: [], without: [] };

export function useDevice(id: string): Device | undefined {
  return useRow(live.devices, id);
}

export function useAgent(id: string): Agent | undefined {
  return useRow(live.agents, id);
}

export function useAlert(id: string): Alert | undefined {
  return useRow(live.alerts, id);
}

export function useInterface(device: string, object: string): Interface | undefined {
  return useRow(live.interfaces(device), object);
}

export function useRow<T extends object>(table: LiveTable<T>, key: string): T | undefined {
  const subscribe = useCallback(
    (listener: () => void) => table.subscribeRow(key, listener),
    [table, key],
  );
  return useSyncExternalStore(subscribe, () => table.get(key));
}

/** Re-renders when a derived primitive of the row changes. */
export function useRowValue<T extends object, V extends string | number | boolean | null>(
  table: LiveTable<T>,
  key: string,
  read: (row: T | undefined) => V,
): V {
  const subscribe = useCallback((listener: () => void) => table.subscribeRow(key, listener), [table, key]);
  return useSyncExternalStore(subscribe, () => read(table.get(key)));
}

/** Re-renders when a derived primitive of the table changes. */
export function useTableValue<T extends object, V extends string | number | boolean | null>(
  table: LiveTable<T>,
  read: (table: LiveTable<T>) => V,
): V {
  const subscribe = useCallback((listener: () => void) => table.subscribe(listener), [table]);
  return useSyncExternalStore(subscribe, () => read(table));
}

/** A primitive that depends on the time; re-renders only when it changes. */
export function useEachSecond<V extends string | number | boolean | null>(read: () => V): V {
  return useSyncExternalStore(subscribeSecond, read);
}

function subscribeLink(listener: () => void): () => void {
  const noSecond = subscribeSecond(listener);
  const noLink = link?.subscribe(listener);
  return () => {
    noSecond();
    noLink?.();
  };
}

/** Calls back each time the stream comes (back) to life. */
export function onLive(listener: () => void): () => void {
  const told = () => {
    if (link?.status.phase === "live") listener();
  };
  return link?.subscribe(told) ?? (() => {});
}

/** Nobody answers: what is shown is from the time it was heard last. */
export function isOffline(): boolean {
  return link?.status.phase === "offline";
}

/** Local time something last came from the server. */
export function heardAt(): number {
  return link?.status.heardAt ?? 0;
}

/** A heartbeat comes every 15 s. */
const HEARTBEAT_MS = 16_000;

/** The time of the server up to which this page has news: nothing is told anew of what nobody tells of. */
export function toldNow(): number {
  return serverNow() - (link ? unheardMs(link.status, Date.now()) : 0);
}

/** For how long nobody tells what is so. */
export function unheardMs({ phase, heardAt: heard }: Pick<LinkStatus, "phase" | "heardAt">, localMs: number): number {
  return Math.max(0, localMs - heard - (phase === "offline" ? 0 : HEARTBEAT_MS));
}

/** A string told from the state of the stream and the time since it was heard. */
export function useLink(read: (status: LinkStatus) => string): string {
  return useSyncExternalStore(subscribeLink, () => read(link?.status ?? OFFLINE));
}

/** Loads and streams the interfaces of a device while the caller is mounted and it is there. */
export function useWatchedInterfaces(device: string, isThere: boolean): void {
  useEffect(() => {
    if (!isThere) return;
    const unwatch = link?.watch(device);
    live.ensureInterfaces(device);
    return () => {
      unwatch?.();
      live.dropInterfaces(device);
    };
  }, [device, isThere]);
}
