import { counted } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import type { Alert } from "../../lib/types";

/** Open alerts of a rule. */
export function openOf(alerts: readonly Alert[], rule: string): number {
  return alerts.filter((alert) => alert.rule.id === rule && alert.phase !== "resolved").length;
}

/** As the list holds them; null while that is not known. */
export function useOpenOf(rule: string | undefined): number | null {
  return useTableValue(live.alerts, (table) => (rule === undefined || table.phase !== "ready" ? null : openOf(table.list(), rule)));
}

/** The same as it is told before something ends them; null: they are not loaded, and there may be some. */
export function endedWords(open: number | null): string | null {
  if (open === null) return "The open alerts of it are resolved";
  return open === 0 ? null : `${counted(open, "open alert")} of it ${open === 1 ? "is" : "are"} resolved`;
}

/** What saving a change does to the open alerts of the rule. */
export function changeWords(open: number | null): string {
  if (open === null) return "Saving resolves the open alerts of this rule: what is wrong by the changed rule begins anew.";
  if (open === 0) return "No alert of this rule is open. What is wrong by the changed rule is counted from then on.";
  return `Saving resolves ${counted(open, "open alert")} of this rule: what is wrong by the changed rule begins anew.`;
}
