/** Sends what waits once the collector answers again: in order, by one tab. */
import type { QueryClient } from "@tanstack/react-query";
import { ApiError } from "../../lib/api";
import { toast } from "../../lib/toasts";
import { perform } from "../alerts/perform";
import { actLine, meant, next, type QueuedAct, settle, without } from "./queue";
import { queueStore } from "./queue-store";

const LOCK = "farwatch-queue";

/** It will never be taken; what is too much, too early or without a session may be taken later. */
const LATER = new Set([401, 408, 425, 429]);
const isRefused = (error: unknown) => error instanceof ApiError && error.status >= 400 && error.status < 500 && !LATER.has(error.status);

async function sendOne(queries: QueryClient, one: QueuedAct): Promise<"sent" | "refused" | "away"> {
  const { act, alerts, note, until } = one;
  try {
    await perform(queries, alerts, { act, ...(note ? { note } : {}), ...(until ? { until } : {}) });
    return "sent";
  } catch (error) {
    if (!isRefused(error)) return "away";
    toast({ text: `Not done, and dropped. ${actLine(one)}: ${String((error as Error).message)}`, isBad: true });
    return "refused";
  }
}

/** Returns the one that is to be asked about, or null. */
async function drain(queries: QueryClient): Promise<QueuedAct | null> {
  for (;;) {
    const step = next(queueStore.reload(), Date.now());
    if (!step) return null;
    if (step.do === "ask") return step.one;
    // One after the other: a later one may be about the same alert.
    // oxlint-disable-next-line no-await-in-loop
    const outcome = await sendOne(queries, step.one);
    queueStore.change((all) => settle(all, step.one.id, outcome));
    if (outcome === "away") return null;
  }
}

export async function sendQueue(queries: QueryClient): Promise<QueuedAct | null> {
  if (queueStore.reload().length === 0) return null;
  // Without locks (plain http away from loopback) each tab sends: an act that is so already changes nothing.
  return navigator.locks ? navigator.locks.request(LOCK, () => drain(queries)) : drain(queries);
}

export const dropQueued = (id: string) => queueStore.change((all) => without(all, id));
export const meanQueued = (id: string) => queueStore.change((all) => meant(all, id));
