import { counted } from "../../lib/format";
import type { Alert } from "../../lib/types";

/** Open alerts of a rule. */
export function openOf(alerts: readonly Alert[], rule: string): number {
  return alerts.filter((alert) => alert.rule.id === rule && alert.phase !== "resolved").length;
}

/** What a change of a rule does to its open alerts. */
export function changeWords(open: number): string {
  if (open === 0) return "A change begins anew: what is wrong by the changed rule is counted from then on.";
  return `${counted(open, "open alert")} of this rule ${open === 1 ? "is" : "are"} resolved by any change, and what is wrong by the changed rule begins anew.`;
}
