/**
 * What was shown last, for an app that is opened while the collector is away.
 *
 * Kept in this browser once a worker can open the app without the collector, until its person signs out or
 * the session ends. It is as old as it says: the stream replaces it as soon as there is one.
 */
import type { QueryClient } from "@tanstack/react-query";
import { signedOut } from "./api";
import { connectLive, heardAt, isOffline, live } from "./live-app";
import { meQuery } from "./session";
import type { Alert, Device, Me } from "./types";
import { opensAlone } from "./worker";

interface Kept {
  /** Local time it is of. */
  at: number;
  me: Me;
  devices: readonly Device[];
  alerts: readonly Alert[];
}

const CACHE = "farwatch-kept";
const PLACE = "/kept.json";
const DEVICES_MAX = 5000;
const ALERTS_MAX = 1000;
const KEEP_MS = 120_000;
/** The first time soon: a phone may lose its signal at once. */
const FIRST_MS = 5_000;

/** The person is not known by the collector's own word since this page was opened. */
let isUnproven = false;

async function keep(queries: QueryClient): Promise<void> {
  const me = queries.getQueryData(meQuery.queryKey);
  const isKnown = live.devices.phase === "ready" || live.alerts.phase === "ready";
  if (!me || !isKnown || isOffline() || isUnproven || !opensAlone()) return;
  const kept: Kept = { at: heardAt(), me, devices: live.devices.list().slice(0, DEVICES_MAX), alerts: live.alerts.list().slice(0, ALERTS_MAX) };
  const cache = await caches.open(CACHE);
  await cache.put(PLACE, new Response(JSON.stringify(kept), { headers: { "content-type": "application/json" } }));
}

/** Keeps it now and then, and when the page is left. */
export function keepShown(queries: QueryClient): () => void {
  const now = () => void keep(queries).catch(() => {});
  const whenLeft = () => document.visibilityState === "hidden" && now();
  const first = setTimeout(now, FIRST_MS);
  const timer = setInterval(now, KEEP_MS);
  document.addEventListener("visibilitychange", whenLeft);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
    document.removeEventListener("visibilitychange", whenLeft);
  };
}

/** The stream of who is signed in. Another tab that signs out may sign in somebody else at once. */
export function connectFor(queries: QueryClient, keptAt?: number): void {
  connectLive({ onSignedOut: signedOut, onDoubt: () => void provePerson(queries) }, keptAt);
}

/** Shows what was kept; false when there is nothing. */
export async function openKept(queries: QueryClient): Promise<boolean> {
  if (!("caches" in globalThis)) return false;
  const answer = await (await caches.open(CACHE)).match(PLACE).catch(() => undefined);
  if (!answer) return false;
  const { at, me, devices, alerts } = (await answer.json()) as Kept;
  isUnproven = true;
  queries.setQueryData(meQuery.queryKey, me);
  live.devices.replace(devices);
  live.alerts.replace(alerts);
  connectFor(queries, at);
  return true;
}

/** Whom this page takes for signed in. */
const shown = (queries: QueryClient) => queries.getQueryData(meQuery.queryKey)?.user.id;

let asking: Promise<string | null> | null = null;

/** Who is signed in, by the collector's word of now; null: it told nobody. A 401 leads to the login. */
function whoIsIt(queries: QueryClient): Promise<string | null> {
  asking ??= queries.fetchQuery({ ...meQuery, staleTime: 0 }).then(({ user }) => user.id, () => null).finally(() => {
    asking = null;
  });
  return asking;
}

/** Whether it is this person still, who may have signed out in another tab; another person begins anew. */
export async function provePerson(queries: QueryClient, user = shown(queries)): Promise<boolean> {
  const found = await whoIsIt(queries);
  if (found === null) return false;
  if (found !== user) {
    await dropKept();
    location.reload();
    return false;
  }
  isUnproven = false;
  return true;
}

/** The collector is back: what was kept is proven. */
export async function proveKept(queries: QueryClient): Promise<void> {
  if (isUnproven) await provePerson(queries);
}

export async function dropKept(): Promise<void> {
  isUnproven = false;
  if ("caches" in globalThis) await caches.delete(CACHE).catch(() => false);
}
