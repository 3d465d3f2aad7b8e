/** Rules that say the same in several tenants, told once: each tenant begins with the same ones. */
import type { Rule } from "../../lib/types";

export interface RuleGroup {
  key: string;
  /** What all of them say: one of them says it. */
  rule: Rule;
  /** One of each tenant, or several; in the order of the list. */
  rules: readonly Rule[];
}

/** A rule that says something else by now stands for itself. */
export function groupsOf(rules: readonly Rule[]): RuleGroup[] {
  const groups = new Map<string, RuleGroup & { rules: Rule[] }>();
  for (const rule of rules) {
    const { name, severity, condition, scope, for_s: wait, resolve_after_s: calm } = rule;
    const key = JSON.stringify([name, severity, condition, scope, wait, calm]);
    const group = groups.get(key);
    if (group) group.rules.push(rule);
    else groups.set(key, { key, rule, rules: [rule] });
  }
  return [...groups.values()];
}

/** «On», «Off», or of several «1 of 2 on». */
export function onWords(rules: readonly Pick<Rule, "enabled">[]): string {
  const on = rules.filter(({ enabled }) => enabled).length;
  if (rules.length === 1) return on ? "On" : "Off";
  return on === rules.length ? "All on" : on === 0 ? "All off" : `${on} of ${rules.length} on`;
}
