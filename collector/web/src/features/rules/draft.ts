/** A rule as it is typed, what is wrong with that, and what is sent of it. */
import { parseSpan, spanWords } from "../../lib/span";
import type { Rule, RuleCondition, RuleMetric, RuleScope } from "../../lib/types";

export type Kind = RuleCondition["kind"];
export type Trouble = Extract<RuleCondition, { kind: "agent_trouble" }>["kinds"][number];
export type Severity = "critical" | "warning" | "info";

export interface Draft {
  name: string;
  severity: string;
  kind: Kind;
  /** Of a device state. */
  degraded: boolean;
  down: boolean;
  /** Of an agent that is there. */
  troubles: readonly Trouble[];
  metric: string;
  /** A pattern of keys, such as `if:13`. */
  object: string;
  is: "above" | "below";
  /** As typed: `90`, `2.5M`. */
  limit: string;
  clear: string;
  /** As typed: `10 min`. */
  wait: string;
  calm: string;
  sites: readonly string[];
  tags: readonly string[];
  /** Patterns of what devices say they are. */
  kinds: readonly string[];
}

/** Whether a rule of this kind is about agents, and not about devices. */
export function isOfAgents(kind: Kind): boolean {
  return kind === "agent_state" || kind === "agent_trouble";
}

export const NEW_DRAFT: Draft = {
  name: "", severity: "warning", kind: "metric", degraded: false, down: true, troubles: ["clock", "cloned"], metric: "", object: "*", is: "above", limit: "", clear: "",
  wait: "5 min", calm: "5 min", sites: [], tags: [], kinds: [],
};

export function draftOf(rule: Rule): Draft {
  const { name, severity, condition, scope } = rule;
  const draft = {
    ...NEW_DRAFT, name, severity, kind: condition.kind, wait: spanWords(rule.for_s), calm: spanWords(rule.resolve_after_s),
    sites: scope.sites, tags: scope.tags, kinds: scope.kinds,
  };
  switch (condition.kind) {
    case "device_state":
      return { ...draft, degraded: condition.states.includes("degraded"), down: condition.states.includes("down") };
    case "agent_state":
      return draft;
    case "agent_trouble":
      return { ...draft, troubles: condition.kinds };
    case "interface_state":
      return { ...draft, object: condition.object ?? "*" };
    case "absence":
      return { ...draft, metric: condition.name, object: condition.object ?? "*" };
    case "metric": {
      const { limit, clear, is, object = "*", name: metric } = condition;
      return { ...draft, metric, object, is, limit: String(limit), clear: clear === null || clear === undefined ? "" : String(clear) };
    }
  }
}

/** What may be wrong with an agent that is there, in the order in which it is offered and sent. */
export const TROUBLES: readonly Trouble[] = ["clock", "cloned", "losing"];

/** Those that are chosen, with or without one of them. */
export function withTrouble(chosen: readonly Trouble[], one: Trouble, on: boolean): readonly Trouble[] {
  return TROUBLES.filter((trouble) => (trouble === one ? on : chosen.includes(trouble)));
}

const PREFIX: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** «90», «2.5M», «-4»; null when it is no number. */
export function parseFigure(text: string): number | null {
  const [, number, prefix = ""] = /^(-?\d+(?:[.,]\d+)?) ?([kMGT])?$/.exec(text.trim()) ?? [];
  return number === undefined ? null : Number(number.replace(",", ".")) * (PREFIX[prefix] ?? 1);
}

/** Whether a rule of this kind names objects: a value of a device has none. */
export function hasObjects({ kind, metric }: Pick<Draft, "kind" | "metric">, metrics: ReadonlyMap<string, RuleMetric>): boolean {
  return kind === "interface_state" || ((kind === "metric" || kind === "absence") && metrics.get(metric)?.about === "object");
}

export type Wrong = Readonly<Partial<Record<"name" | "states" | "troubles" | "metric" | "object" | "limit" | "clear" | "for_s" | "resolve_after_s", string>>>;

const NO_SPAN = "Type a time such as 90 s, 10 min or 2 h.";
const WEEK_S = 7 * 86_400;

function wrongSpan(text: string): string | null {
  const seconds = parseSpan(text);
  if (seconds === null) return NO_SPAN;
  return seconds > WEEK_S ? "A week is the longest." : null;
}

/** What stands in the way of trying it. */
export function wrongToTry(draft: Draft): Wrong {
  const { kind, metric, object, is } = draft;
  const found: Record<string, string> = {};
  if (kind === "device_state" && !draft.down && !draft.degraded) found["states"] = "Choose one of them, or both.";
  if (kind === "agent_trouble" && draft.troubles.length === 0) found["troubles"] = "Choose at least one of them.";
  if ((kind === "metric" || kind === "absence") && !metric) found["metric"] = "Choose a value.";
  if (object.trim() === "") found["object"] = "Type a key, such as if:13, or * for all.";
  if (kind === "metric") {
    const limit = parseFigure(draft.limit);
    const clear = draft.clear.trim() === "" ? null : parseFigure(draft.clear);
    if (limit === null) found["limit"] = "Type a number, such as 90 or 2.5M.";
    if (clear === null && draft.clear.trim() !== "") found["clear"] = "Type a number, or leave it empty.";
    if (limit !== null && clear !== null && (is === "above" ? clear > limit : clear < limit)) {
      found["clear"] = is === "above" ? "It has to be below the limit." : "It has to be above the limit.";
    }
  }
  const [wait, calm] = [wrongSpan(draft.wait), wrongSpan(draft.calm)];
  if (wait) found["for_s"] = wait;
  else if (kind === "absence" && parseSpan(draft.wait) === 0) found["for_s"] = "A value is always absent for a moment: type how long is too long.";
  if (calm) found["resolve_after_s"] = calm;
  return found;
}

/** What stands in the way of keeping it. */
export function wrongToKeep(draft: Draft): Wrong {
  return { ...(draft.name.trim() ? {} : { name: "A rule needs a name." }), ...wrongToTry(draft) };
}

function conditionOf(draft: Draft, objects: boolean): RuleCondition {
  const object = objects ? draft.object.trim() : "*";
  switch (draft.kind) {
    case "device_state":
      return { kind: "device_state", states: [...(draft.degraded ? ["degraded" as const] : []), ...(draft.down ? ["down" as const] : [])] };
    case "agent_state":
      return { kind: "agent_state" };
    case "agent_trouble":
      return { kind: "agent_trouble", kinds: [...draft.troubles] };
    case "interface_state":
      return { kind: "interface_state", object };
    case "absence":
      return { kind: "absence", name: draft.metric, object };
    case "metric":
      return {
        kind: "metric", name: draft.metric, object, is: draft.is, limit: parseFigure(draft.limit) ?? 0, clear: parseFigure(draft.clear),
      };
  }
}

export interface Tried {
  scope: RuleScope;
  condition: RuleCondition;
  for_s: number;
  resolve_after_s: number;
}

/** What is sent to try it, once nothing stands in the way. */
export function triedOf(draft: Draft, metrics: ReadonlyMap<string, RuleMetric>): Tried {
  return {
    // Tags and kinds are of devices.
    scope: { sites: [...draft.sites], ...(isOfAgents(draft.kind) ? { tags: [], kinds: [] } : { tags: [...draft.tags], kinds: [...draft.kinds] }) },
    condition: conditionOf(draft, hasObjects(draft, metrics)),
    for_s: parseSpan(draft.wait) ?? 0,
    resolve_after_s: parseSpan(draft.calm) ?? 0,
  };
}

export function keptOf(draft: Draft, metrics: ReadonlyMap<string, RuleMetric>): Tried & { name: string; severity: string } {
  return { name: draft.name.trim(), severity: draft.severity, ...triedOf(draft, metrics) };
}

type Kept = ReturnType<typeof keptOf>;

/** Only what differs: what is left out stays as it is. */
export function changeOf(is: Kept, was: Kept): Partial<Kept> {
  const keys = (Object.keys(is) as (keyof Kept)[]).filter((key) => JSON.stringify(is[key]) !== JSON.stringify(was[key]));
  return Object.fromEntries(keys.map((key) => [key, is[key]]));
}

/** Whether two rules say the same, on or off. */
export function isSame(a: Rule, b: Rule): boolean {
  return JSON.stringify(draftOf(a)) === JSON.stringify(draftOf(b));
}
