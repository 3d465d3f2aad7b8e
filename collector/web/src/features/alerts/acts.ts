/** What people do with alerts, as it is sent and as it is told afterwards. */
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
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
  ids: readonly string[];
  /** Those of `ids` that were changed. */
  changed: readonly string[];
  resolved: number;
}

export async function actMany(ids: readonly string[], { act, note, until }: Act): Promise<Done> {
  const answers: { id: string; outcome: AlertOutcome }[] = [];
  for (let at = 0; at < ids.length; at += BULK_MAX) {
    const body = { ids: ids.slice(at, at + BULK_MAX), act, ...(note ? { note } : {}), ...(until ? { until } : {}) };
    // One after the other: each of them is as much as the server takes.
    // oxlint-disable-next-line no-await-in-loop
    answers.push(...(await take(api.POST("/api/v1/alerts/bulk", { body }))).data.alerts);
  }
  const of = (outcome: AlertOutcome) => answers.filter((one) => one.outcome === outcome).map(({ id }) => id);
  return { act, ids, changed: of("done"), resolved: of("resolved").length };
}

const DID: Readonly<Record<AlertAct, string>> = {
  ack: "acknowledged", unack: "acknowledged no longer", silence: "silenced", unsilence: "told again",
};

export function alertCount(count: number): string {
  return counted(count, "alert");
}

/** «3 alerts silenced. 1 was over already.» */
export function doneWords({ act, ids, changed, resolved }: Done): string {
  const same = ids.length - changed.length - resolved;
  const words = [`${changed.length === 0 ? "No alert" : alertCount(changed.length)} ${DID[act]}.`];
  if (same > 0) words.push(`${same} ${same === 1 ? "was" : "were"} so already.`);
  if (resolved > 0) words.push(`${resolved} ${resolved === 1 ? "was" : "were"} over already.`);
  return words.join(" ");
}

/** What takes an act back; null where there is nothing to take back. */
export function reverse({ act, changed }: Done): { act: AlertAct; ids: readonly string[] } | null {
  if (changed.length === 0) return null;
  if (act === "ack") return { act: "unack", ids: changed };
  return act === "silence" ? { act: "unsilence", ids: changed } : null;
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
