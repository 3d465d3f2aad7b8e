import type { Cause, Device, State } from "./types";

/** A value older than this many of its intervals is dimmed. */
const DIM_INTERVALS = 3;
/** A value older than max(2.5 intervals, 5 min) is not known any more. */
const UNKNOWN_INTERVALS = 2.5;
const UNKNOWN_FLOOR_S = 300;

export const STATES: readonly State[] = ["down", "degraded", "unknown", "up"];

/** Sort rank: what needs a person comes first. */
export const STATE_RANK: Readonly<Record<State, number>> = {
  down: 0,
  degraded: 1,
  unknown: 2,
  up: 3,
};

export const STATE_WORD: Readonly<Record<State, string>> = {
  up: "Up",
  degraded: "Degraded",
  down: "Down",
  unknown: "Unknown",
};

const CAUSE_WORD: Readonly<Record<Cause, string>> = {
  timeout: "no answer",
  auth: "wrong credential",
  unsupported: "not supported",
  unreachable: "unreachable",
  budget: "poll budget spent",
  gap: "gap in the data",
  pending: "waiting for first poll",
  agent_offline: "agent offline",
  stale: "stale",
  malformed: "broken answer",
};

export function causeWord(cause: Cause | null | undefined): string | null {
  return cause ? (CAUSE_WORD[cause] ?? cause) : null;
}

const CAUSE_HINT: Partial<Record<Cause, string>> = {
  malformed: "The device's answer breaks the SNMP protocol. Update its firmware or poll it less.",
  timeout: "The device did not answer. Check its address, the SNMP service and any filter on it.",
  auth: "The device refused the credential. Check the community and what it may read.",
  unreachable: "The agent has no route to this address. Check routing at the site.",
  pending: "The agent has the order; the first answer is due within one interval.",
  agent_offline: "The agent of this site is not connected. It buffers and catches up later.",
  stale: "The last values are too old to vouch for.",
  budget: "The agent ran out of time for this poll. Raise the interval or spread the load.",
};

export function causeHint(cause: Cause | null | undefined): string | null {
  return cause ? (CAUSE_HINT[cause] ?? null) : null;
}

type Timed = Pick<Device, "state" | "cause" | "last_sample_at" | "interval_s">;

export function ageSeconds(at: string | null | undefined, nowMs: number): number | null {
  if (!at) return null;
  return Math.max(0, (nowMs - Date.parse(at)) / 1000);
}

/** The state to show: good news that got too old is unknown, whatever was said last. */
export function shownState(device: Timed, nowMs: number): { state: State; cause: Cause | null } {
  if (device.state === "up" || device.state === "degraded") {
    const age = ageSeconds(device.last_sample_at, nowMs);
    const limit = Math.max(UNKNOWN_FLOOR_S, UNKNOWN_INTERVALS * device.interval_s);
    if (age === null || age > limit) return { state: "unknown", cause: "stale" };
  }
  return { state: device.state, cause: device.cause };
}

export function isDim(at: string | null | undefined, intervalS: number, nowMs: number): boolean {
  const age = ageSeconds(at, nowMs);
  return age === null || age > DIM_INTERVALS * intervalS;
}
