/** The readings of an alert as a chart: one line, the limit, and when it turned. */
import { sinceTime } from "../../lib/format";
import type { AlertDetail } from "../../lib/types";
import { isFlag, unitSign } from "../rules/units";

export interface Mark {
  kind: "began" | "fired" | "resolved";
  /** Seconds. */
  at: number;
}

export interface EvidencePlot {
  data: [number[], number[]];
  /** Its sign. */
  unit: string;
  limit: number;
  /** Where it is well again, if that is not the limit. */
  clear: number | null;
  marks: Mark[];
  /** Seconds. */
  span: [number, number];
  range: [number, number];
}

/** Room at the edges, in the length of the whole. */
const EDGE = 0.06;

function padded(values: readonly number[], least: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * EDGE, least);
  return [low - room, high + room];
}

const seconds = (at: string) => Date.parse(at) / 1000;

/** Readings are kept when an alert turns. Until it is resolved newer ones are known elsewhere: « as of 12:03»; else nothing. */
export function asOf({ phase, evidence: { samples } }: Pick<AlertDetail, "phase" | "evidence">, nowMs: number): string {
  const last = samples.at(-1);
  return phase === "resolved" || !last ? "" : ` as of ${sinceTime(last.at, nowMs)}`;
}

/** Null where the rule is about a state or a flag, or no reading is kept. */
export function evidencePlot(alert: AlertDetail): EvidencePlot | null {
  const { condition, samples } = alert.evidence;
  if (condition.kind !== "metric" || isFlag(alert.unit)) return null;
  const told = samples.flatMap(({ at, value }) => (value === null ? [] : [[seconds(at), value] as const]));
  if (told.length === 0) return null;
  const times = told.map(([at]) => at);
  const mark = (kind: Mark["kind"], at: string | null): Mark[] => (at ? [{ kind, at: seconds(at) }] : []);
  const turns = [...mark("began", alert.began_at), ...mark("fired", alert.fired_at), ...mark("resolved", alert.resolved_at)];
  const [from, to] = padded([...times, ...turns.map(({ at }) => at)], 5);
  // Of turns at one place the later one is told: their words would stand on each other.
  const marks = turns.filter(({ at }, i) => (turns[i + 1]?.at ?? Infinity) - at > (to - from) * EDGE);
  const { limit, clear = null } = condition;
  const values = told.map(([, value]) => value);
  const [low, high] = padded([...values, limit, ...(clear === null ? [] : [clear])], Math.abs(limit) * EDGE || 1);
  return {
    data: [times, values],
    unit: unitSign(alert.unit),
    limit,
    clear: clear === limit ? null : clear,
    marks,
    span: [from, to],
    // Values that are never below nothing are not drawn below it.
    range: [values.every((value) => value >= 0) ? Math.max(0, low) : low, high],
  };
}
