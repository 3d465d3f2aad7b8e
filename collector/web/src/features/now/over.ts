/** What was wrong and is over, told by the device or the agent that it was of. */
import { SEVERITIES, severityOf } from "../alerts/standing";
import type { Alert } from "../../lib/types";

/** A night, and what came before it. */
export const OVER_H = 12;

export interface Over {
  /** The id of the agent or the device. */
  root: string;
  /** The worst of them, and of these the longest. */
  lead: Alert;
  /** How often the same as the lead was wrong. */
  times: number;
  /** How much else was wrong with it. */
  others: number;
  /** Of the last of them, in milliseconds. */
  endedAt: number;
}

const ended = ({ resolved_at: at }: Alert) => (at ? Date.parse(at) : 0);
const length = (alert: Alert) => {
  const [from, to] = spanOf(alert);
  return Date.parse(to) - Date.parse(from);
};

/** From when to when it was wrong: the rule waits with it well before it is over. */
export function spanOf({ began_at: began, well_at: well, resolved_at: end }: Pick<Alert, "began_at" | "well_at" | "resolved_at">): [string, string] {
  return [began, well ?? end ?? began];
}

function over(root: string, alerts: readonly Alert[]): Over {
  const [lead] = alerts.toSorted((a, b) => SEVERITIES.indexOf(severityOf(a)) - SEVERITIES.indexOf(severityOf(b)) || length(b) - length(a) || ended(b) - ended(a)) as [Alert];
  const times = alerts.filter(({ rule, object }) => rule.id === lead.rule.id && object === lead.object).length;
  return { root, lead, times, others: alerts.length - times, endedAt: Math.max(...alerts.map(ended)) };
}

/** The last that ended stands first. Each alert may be there twice: as the list has it, and live. */
export function overSince(alerts: readonly Alert[], sinceMs: number): Over[] {
  const seen = new Set<string>();
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    // What never fired was nobody's trouble.
    if (alert.phase !== "resolved" || !alert.fired_at || ended(alert) < sinceMs || seen.has(alert.id)) continue;
    seen.add(alert.id);
    const root = (alert.device ?? alert.agent).id;
    const group = groups.get(root);
    if (group) group.push(alert);
    else groups.set(root, [alert]);
  }
  return [...groups].map(([root, group]) => over(root, group)).toSorted((a, b) => b.endedAt - a.endedAt || (a.root < b.root ? -1 : 1));
}
