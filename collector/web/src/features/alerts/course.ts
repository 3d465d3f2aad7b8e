/** The course of an alert, as a bar and as lines: wrong, firing, well, over. */
import { duration, exactDuration } from "../../lib/format";
import type { Alert, AlertDetail, AlertHappened } from "../../lib/types";

export interface Stretch {
  kind: "pending" | "firing" | "well";
  /** Of the whole bar, 0 to 1. */
  share: number;
  /** «10 min» */
  words: string;
}

const ms = (at: string) => Date.parse(at);

/** From when it was wrong until now, or until it was over. */
export function courseOf(alert: Pick<Alert, "began_at" | "fired_at" | "resolved_at" | "well_at">, nowMs: number): Stretch[] {
  const from = ms(alert.began_at);
  const end = Math.max(alert.resolved_at ? ms(alert.resolved_at) : nowMs, from + 1000);
  const fired = alert.fired_at ? Math.min(Math.max(ms(alert.fired_at), from), end) : end;
  const well = alert.well_at ? Math.min(Math.max(ms(alert.well_at), fired), end) : end;
  const stretch = (kind: Stretch["kind"], a: number, b: number): Stretch[] =>
    b > a ? [{ kind, share: (b - a) / (end - from), words: exactDuration((b - a) / 1000) }] : [];
  return [...stretch("pending", from, fired), ...stretch("firing", fired, well), ...stretch("well", well, end)];
}

/** When it fires; null once it did: the bar tells the rest. */
export function windowWords({ evidence, began_at: began, fired_at: fired }: Pick<AlertDetail, "evidence" | "began_at" | "fired_at">, nowMs: number): string | null {
  if (fired) return null;
  const left = evidence.for_s - (nowMs - ms(began)) / 1000;
  return left > 0 ? `It fires in ${duration(left)} if it stays wrong.` : "It fires with the next reading that is wrong.";
}

const HAPPENED: Readonly<Record<string, string>> = {
  fired: "Fired", resolved: "Resolved", acked: "Acknowledged", unacked: "Acknowledgement undone",
  silenced: "Silenced", unsilenced: "Silence ended",
};

/** A newer server may tell of more than there are words here. */
export function happenedWord({ kind }: Pick<AlertHappened, "kind">): string {
  return HAPPENED[kind] ?? kind.replaceAll("_", " ");
}

const WHO: Readonly<Record<string, string>> = { api_key: "API key ", local: "at the collector: " };

export function byWords({ by }: Pick<AlertHappened, "by">): string | null {
  return by && `by ${WHO[by.kind] ?? ""}${by.name}`;
}
