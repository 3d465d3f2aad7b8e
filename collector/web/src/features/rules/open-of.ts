import { counted } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import type { Alert } from "../../lib/types";

/** Counted once for each list: a table of rules asks for each of its rows. */
const known = new WeakMap<readonly Alert[], ReadonlyMap<string, number>>();

function byRule(alerts: readonly Alert[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { rule, phase } of alerts) {
    if (phase !== "resolved") counts.set(rule.id, (counts.get(rule.id) ?? 0) + 1);
  }
  known.set(alerts, counts);
  return counts;
}

/** Open alerts of a rule, in a list that stays as it is. */
export function openOf(alerts: readonly Alert[], rule: string): number {
  return (known.get(alerts) ?? byRule(alerts)).get(rule) ?? 0;
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
