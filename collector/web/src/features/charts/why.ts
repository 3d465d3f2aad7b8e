/** Why there is no value where no gap was declared and no poll has failed: as far as the agent's sessions tell. */
import type { AgentLink } from "../../lib/types";

/** All in seconds. */
export interface Absence {
  from: number;
  /** Null: it goes on. */
  to: number | null;
  what: string;
}

/** From the value before to the one after; where there is none, within the range of the chart. */
export interface Hole {
  /** Where the pointer is. */
  at: number;
  from: number;
  to: number;
  /** Nothing is known of the time before it. */
  isFirst: boolean;
}

/** A line that is back within seconds was never away. */
const SOON_S = 10;

export const AWAY = "the agent was away";
export const STOPPED = "the agent was stopped";
const WHAT: Readonly<Partial<Record<string, string>>> = { stopped: STOPPED, collector_ended: "the collector was away" };

/** When the agent had no session. */
export function absencesOf(newestFirst: readonly Pick<AgentLink, "at" | "event" | "reason">[]): Absence[] {
  let to: number | null = null;
  return newestFirst.flatMap(({ at, event, reason }) => {
    const from = Date.parse(at) / 1000;
    const until = to;
    if (event === "opened") to = from;
    return event === "ended" && (until === null || until - from > SOON_S || reason === "stopped") ? [{ from, to: until, what: WHAT[reason ?? ""] ?? AWAY }] : [];
  });
}

interface Known {
  absences: readonly Absence[];
  /** Since when the device is watched. */
  bornS: number;
  clock: (ms: number, withSeconds: boolean) => string;
}

export function holeWords({ at, from, to, isFirst }: Hole, { absences, bornS, clock }: Known): string {
  if (isFirst && at < bornS) return "no value: it was not watched yet";
  const one = absences.find((away) => away.from <= to && (away.to ?? Infinity) >= from);
  if (!one) return "no value, and nothing says why";
  const time = (seconds: number) => clock(seconds * 1000, true);
  const when = one.to === null ? `since ${time(one.from)}` : `${time(one.from)} – ${time(one.to)}`;
  return `no value: ${one.what} ${when}`;
}
