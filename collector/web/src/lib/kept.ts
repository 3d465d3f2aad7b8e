/**
 * What was shown last, for an app that is opened while the collector is away.
 *
 * Kept in this browser once a worker can open the app without the collector, until its person signs out or
 * the session ends. It is as old as it says: the stream replaces it as soon as there is one.
 */
import type { QueryClient } from "@tanstack/react-query";
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
  connectLive(undefined, at);
  return true;
}

let proof: Promise<boolean> | null = null;

/** The collector is back: is it still this person? A 401 leads to the login, another person begins anew. */
export function proveKept(queries: QueryClient): Promise<boolean> {
  if (!isUnproven) return Promise.resolve(true);
  proof ??= prove(queries).finally(() => {
    proof = null;
  });
  return proof;
}

async function prove(queries: QueryClient): Promise<boolean> {
  const who = () => queries.getQueryData(meQuery.queryKey)?.user.id;
  const kept = who();
  await queries.refetchQueries({ queryKey: meQuery.queryKey });
  if (queries.getQueryState(meQuery.queryKey)?.status !== "success") return false;
  if (who() !== kept) {
    await dropKept();
    location.reload();
    return false;
  }
  isUnproven = false;
  return true;
}

export async function dropKept(): Promise<void> {
  isUnproven = false;
  if ("caches" in globalThis) await caches.delete(CACHE).catch(() => false);
}
