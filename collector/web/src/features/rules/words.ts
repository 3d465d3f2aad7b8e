/** A rule in the words of people: what is wrong, for how long, of what, and when it is over. */
import { spanWords } from "../../lib/span";
import type { Rule, RuleCondition, RuleMetric, RuleScope } from "../../lib/types";
import { isOfAgents, type Trouble } from "./draft";
import { figure, isFlag } from "./units";

export type Metrics = ReadonlyMap<string, RuleMetric>;
export const NO_METRICS: Metrics = new Map();

export function metricsBy(list: readonly RuleMetric[]): Metrics {
  return new Map(list.map((metric) => [metric.name, metric]));
}

/** What may be asked for: `kind` of a condition, and what it is called. */
export const KIND_WORD: Readonly<Record<RuleCondition["kind"], string>> = {
  metric: "Threshold", device_state: "Device state", agent_state: "Agent offline", agent_trouble: "Agent trouble", interface_state: "Interface down", absence: "Missing values",
};

/** What may be wrong with an agent that is there. */
const TROUBLE_WORDS: Readonly<Record<Trouble, string>> = {
  clock: "An agent's clock is wrong by more than a minute", cloned: "Two hosts run as one agent", losing: "An agent has lost data within the last hour",
};

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** «Load of one processor»; until the metrics are known, their name. Of a flag, what is so while it is one. */
export function metricWords(name: string, metrics: Metrics): string {
  const words = metrics.get(name)?.words ?? name.replaceAll("_", " ");
  return capital(words.replace(/^1 while /, ""));
}

/** «Processor load»: a word or two, for a list. */
export function metricTitle(name: string, metrics: Metrics): string {
  return capital(metrics.get(name)?.title ?? name.replaceAll("_", " "));
}

/** Whether it asks for no more than that a flag is set. */
function isFlagSet(condition: RuleCondition, metrics: Metrics): boolean {
  return condition.kind === "metric" && isFlag(metrics.get(condition.name)?.unit) && condition.is === "above"
    && condition.limit > 0 && condition.limit <= 1;
}

/** Patterns of objects; all of them need no word. */
function ofObject(object: string | undefined): string {
  return object && object !== "*" ? ` (${object})` : "";
}

/** What is wrong: «Load of one processor: 90 % or above». */
export function wrongWords(condition: RuleCondition, metrics: Metrics): string {
  switch (condition.kind) {
    case "device_state":
      return `A device is ${[...condition.states].toSorted().toReversed().join(" or ")}`;
    case "agent_state":
      return "An agent is offline";
    case "agent_trouble":
      return condition.kinds.map((kind) => TROUBLE_WORDS[kind]).join(", or ");
    case "interface_state":
      return `An interface that was up${ofObject(condition.object)} is down`;
    case "metric": {
      if (isFlagSet(condition, metrics)) return metricWords(condition.name, metrics);
      const limit = figure(condition.limit, metrics.get(condition.name)?.unit);
      return `${metricWords(condition.name, metrics)}${ofObject(condition.object)}: ${limit} or ${condition.is}`;
    }
    case "absence":
      return `No value any more: ${metricWords(condition.name, metrics).toLowerCase()}${ofObject(condition.object)}`;
  }
}

/** When it is well again, of a threshold. */
function wellWords(condition: RuleCondition, metrics: Metrics): string {
  if (condition.kind !== "metric") return "well again";
  if (isFlagSet(condition, metrics)) return "so no longer";
  const unit = metrics.get(condition.name)?.unit;
  const side = condition.is === "above" ? "below" : "above";
  const { clear } = condition;
  if (clear === null || clear === undefined) return `${side} ${figure(condition.limit, unit)}`;
  return `at ${figure(clear, unit)} or ${side}`;
}

/** `siteName` tells a site's name by its id. */
export function scopeWords(
  { sites, tags, kinds }: RuleScope, kind: RuleCondition["kind"], siteName: (id: string) => string | undefined,
): string {
  const what = isOfAgents(kind) ? "agents" : "devices";
  const all = kinds.length > 0 ? `${what} that are ${kinds.join(" or ")}` : `all ${what}`;
  const tagged = tags.length > 0 ? `${kinds.length > 0 ? all : what} tagged ${tags.join(" or ")}` : all;
  const unnamed = sites.filter((id) => !siteName(id)).length;
  const named = sites.flatMap((id) => siteName(id) ?? []);
  if (unnamed > 0) named.push(`${unnamed} ${named.length > 0 ? "other " : ""}site${unnamed === 1 ? "" : "s"}`);
  return sites.length > 0 ? `${tagged} of ${named.join(", ")}` : tagged;
}

type Timed = Pick<Rule, "condition" | "for_s" | "resolve_after_s">;

/** How long it has to be so, before the alert fires and before it is over. */
export function timeWords({ for_s: wait, resolve_after_s: calm }: Pick<Rule, "for_s" | "resolve_after_s">): string {
  return `${wait === 0 ? "at once" : `after ${spanWords(wait)}`}, over ${calm === 0 ? "at once" : `after ${spanWords(calm)}`}`;
}

/** The whole rule in one sentence or two. */
export function ruleSentence(rule: Timed, metrics: Metrics): string {
  const { condition, for_s: wait, resolve_after_s: calm } = rule;
  const fires = wait === 0 ? "with the first reading" : `for ${spanWords(wait)}`;
  const ends = `${wellWords(condition, metrics)}${calm === 0 ? "" : ` for ${spanWords(calm)}`}`;
  return `${wrongWords(condition, metrics)}, ${fires}. It is over when it is ${ends}.`;
}

/** The same, and what it is for. */
export function wholeSentence(rule: Timed & Pick<Rule, "scope">, metrics: Metrics, siteName: (id: string) => string | undefined): string {
  return `${ruleSentence(rule, metrics)} It looks at ${scopeWords(rule.scope, rule.condition.kind, siteName)}.`;
}
