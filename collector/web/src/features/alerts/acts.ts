/** What people do with alerts, as it is sent and as it is told afterwards. */
import { api, take } from "../../lib/api";
import { counted, integer } from "../../lib/format";
import type { Alert, AlertAct, AlertOutcome } from "../../lib/types";
import { isSilent } from "./standing";

/** The server takes no more at once. */
export const BULK_MAX = 200;
export const NOTE_CHARS_MAX = 500;

export interface Act {
  act: AlertAct;
  note?: string;
  /** RFC 3339. */
  until?: string;
}

export interface Done {
  act: AlertAct;
  /** How many were asked for. */
  asked: number;
  /** Of those that the server answered for. */
  changed: readonly string[];
  same: number;
  resolved: number;
  /** No longer there for this person: over before they fired, swept, or of a tenant that was left. */
  gone: number;
  /** Those that were over or gone. */
  missed: readonly string[];
  /** Of `changed`, those that were so in another way before: undone, that would be lost. */
  before: ReadonlySet<string>;
  /** What ended it before it was through. */
  error: Error | null;
}

/**
 * Acts on all of them, as many at once as the server takes. What was done before something failed is
 * told with what failed; where nothing was done, that alone is thrown.
 */
export async function actMany(ids: readonly string[], { act, note, until }: Act, before: ReadonlySet<string> = new Set()): Promise<Done> {
  const answers: { id: string; outcome: AlertOutcome }[] = [];
  let error: Error | null = null;
  for (let at = 0; at < ids.length; at += BULK_MAX) {
    const body = { ids: ids.slice(at, at + BULK_MAX), act, ...(note ? { note } : {}), ...(until ? { until } : {}) };
    try {
      // One after the other: each of them is as much as the server takes.
      // oxlint-disable-next-line no-await-in-loop
      answers.push(...(await take(api.POST("/api/v1/alerts/bulk", { body }))).data.alerts);
    } catch (failure) {
      if (answers.length === 0) throw failure;
      error = failure instanceof Error ? failure : new Error(String(failure));
      break;
    }
  }
  const of = (outcome: AlertOutcome) => answers.filter((one) => one.outcome === outcome).map(({ id }) => id);
  return { act, asked: ids.length, changed: of("done"), same: of("unchanged").length, resolved: of("resolved").length, gone: of("gone").length, missed: [...of("resolved"), ...of("gone")], before, error };
}

/** Those that are acknowledged or silent already: another note or another end takes the place of theirs. */
export function soBefore(alerts: readonly Alert[], act: AlertAct, nowMs: number): ReadonlySet<string> {
  const isSo = (alert: Alert) => (act === "ack" ? alert.ack !== null : act === "silence" && isSilent(alert, nowMs));
  return new Set(alerts.filter(isSo).map(({ id }) => id));
}

/** What was chosen and is not acted on: one of these would keep the server from all the others. */
export interface LeftOut {
  /** How many are gone from the list while its rows were held. */
  over: number;
  /** How many are of tenants in which this person only looks. */
  barred: number;
}

const wasOrWere = (count: number) => `${integer(count)} ${count === 1 ? "was" : "were"}`;

/** «1 is gone: it was over before it fired, or is no more.» */
function goneWords(count: number): string {
  return count === 1 ? "1 is gone: it was over before it fired, or is no more." : `${integer(count)} are gone: they were over before they fired, or are no more.`;
}

/** «2 left out: in their tenants you may only look.» */
export function leftOutWords({ over, barred }: LeftOut): string | null {
  const words: string[] = [];
  if (over > 0) words.push(goneWords(over));
  if (barred > 0) words.push(`${integer(barred)} left out: in ${barred === 1 ? "its tenant" : "their tenants"} you may only look.`);
  return words.join(" ") || null;
}

const DID: Readonly<Record<AlertAct, (alerts: string) => string>> = {
  ack: (alerts) => `${alerts} acknowledged.`, unack: (alerts) => `Acknowledgement undone: ${alerts}.`,
  silence: (alerts) => `${alerts} silenced.`, unsilence: (alerts) => `Silence ended: ${alerts}.`,
};

export function alertCount(count: number): string {
  return counted(count, "alert");
}

/** «3 alerts silenced. 1 was over already.» */
export function doneWords({ act, asked, changed, same, resolved, gone, error }: Done): string {
  const words = [DID[act](`${changed.length === 0 ? "No alert" : alertCount(changed.length)}${error ? ` of ${integer(asked)}` : ""}`)];
  if (same > 0) words.push(`${wasOrWere(same)} so already.`);
  if (resolved > 0) words.push(`${wasOrWere(resolved)} over already.`);
  if (gone > 0) words.push(goneWords(gone));
  return words.join(" ");
}

/** What takes an act back; null where there is nothing to take back. */
export function reverse({ act, changed, before }: Done): { act: AlertAct; ids: readonly string[] } | null {
  const ids = changed.filter((id) => !before.has(id));
  if (ids.length === 0) return null;
  if (act === "ack") return { act: "unack", ids };
  return act === "silence" ? { act: "unsilence", ids } : null;
}

/** What can be undone of these: silence first, for it hides the rest. */
export function undoOf(alerts: readonly Alert[], nowMs: number): { act: AlertAct; ids: string[] } | null {
  const open = alerts.filter(({ phase }) => phase !== "resolved");
  const ids = (list: readonly Alert[]) => list.map(({ id }) => id);
  const silent = ids(open.filter((alert) => isSilent(alert, nowMs)));
  if (silent.length > 0) return { act: "unsilence", ids: silent };
  const acked = ids(open.filter(({ ack }) => ack !== null));
  return acked.length > 0 ? { act: "unack", ids: acked } : null;
}
