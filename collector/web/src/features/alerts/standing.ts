/** How an alert stands: what the server tells of it, and what people did, as one of five words. */
import type { Alert } from "../../lib/types";

export type Severity = "critical" | "warning" | "info";
export type Standing = "firing" | "pending" | "acknowledged" | "silenced" | "resolved";

/** The worst first. */
export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];
/** What needs a person comes first. */
export const STANDINGS: readonly Standing[] = ["firing", "pending", "acknowledged", "silenced", "resolved"];

export const SEVERITY_WORD: Readonly<Record<Severity, string>> = {
  critical: "Critical", warning: "Warning", info: "Info",
};

export const STANDING_WORD: Readonly<Record<Standing, string>> = {
  firing: "Firing", pending: "Pending", acknowledged: "Acknowledged", silenced: "Silenced", resolved: "Resolved",
};

export const STANDING_NOTE: Readonly<Record<Standing, string>> = {
  firing: "wrong for long enough, and nobody looks after it",
  pending: "wrong, and not yet for long enough to fire",
  acknowledged: "somebody looks after it",
  silenced: "nobody is told of it for a while",
  resolved: "over",
};

/** A newer server may tell severities that have no place here. */
export function severityOf({ severity }: Pick<Alert, "severity">): Severity {
  return SEVERITIES.find((one) => one === severity) ?? "info";
}

/** What is wrong, in one line. Many agents are called «agent-…»: nobody reads that twice. */
export function summaryOf({ summary }: Pick<Alert, "summary">): string {
  return summary.replace(/\bagent (?=agent\b)/, "");
}

/** Grows and shrinks with what people do: how many alerts are somebody's, and how many are silenced. */
export function handled(alerts: readonly Pick<Alert, "ack" | "silenced_until">[]): number {
  let count = 0;
  for (const { ack, silenced_until: until } of alerts) count += (ack ? 1 : 0) + (until ? 1e6 : 0);
  return count;
}

type Stood = Pick<Alert, "phase" | "ack" | "silenced_until">;

export function isSilent({ silenced_until: until }: Pick<Alert, "silenced_until">, nowMs: number): boolean {
  return until !== null && Date.parse(until) > nowMs;
}

export function standingOf(alert: Stood, nowMs: number): Standing {
  if (alert.phase === "resolved") return "resolved";
  if (isSilent(alert, nowMs)) return "silenced";
  return alert.ack ? "acknowledged" : alert.phase;
}

const time = (at: string | null) => (at ? Date.parse(at) : 0);

/** Since when it is wrong: that it fires changes nothing of that. */
export function sinceOf({ began_at: began }: Pick<Alert, "began_at">): string {
  return began;
}

export type Order = "worst" | "newest";

/** The newest first; of the same moment, by their ids, so that no two change places. */
function byNewest(a: Alert, b: Alert): number {
  return time(sinceOf(b)) - time(sinceOf(a)) || (a.id < b.id ? 1 : -1);
}

/** In the order of a list: by severity, then what nobody looks after, then the newest. */
export function ordered(alerts: readonly Alert[], order: Order, nowMs: number): Alert[] {
  if (order === "newest") return alerts.toSorted(byNewest);
  const rank = (alert: Alert) =>
    SEVERITIES.indexOf(severityOf(alert)) * STANDINGS.length + STANDINGS.indexOf(standingOf(alert, nowMs));
  return alerts.toSorted((a, b) => rank(a) - rank(b) || byNewest(a, b));
}
