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

/** What saving a change does to the open alerts of the rule: by the changed rule all begins anew. Null where none is open. */
export function changeWords(open: number | null): string | null {
  if (open === null) return "Saving resolves the open alerts of this rule.";
  return open === 0 ? null : `Saving resolves ${counted(open, "open alert")} of this rule.`;
}
