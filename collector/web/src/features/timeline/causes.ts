/** Why a device changed its state: the reasons stand in the gaps of what it was asked, and the server tells a change without them. */
import { causeWord } from "../../lib/state";
import type { SeriesSet } from "../../lib/types";
import type { Item } from "./kinds";

/** Asked of the device itself, in the order in which they explain: what it was asked over SNMP, then echo. */
const ASKED: Readonly<Record<string, string>> = { snmp_rtt_seconds: "SNMP", icmp_rtt_seconds: "echo" };
export const ASKED_METRICS = Object.keys(ASKED);
/** A state is told some polls after what made it so began. */
const POLLS_BACK = 4;
const BAD: ReadonlySet<string | null> = new Set(["down", "degraded", "unknown"]);

export function isUnexplained({ kind, state }: Pick<Item, "kind" | "state">): boolean {
  return kind === "state_changed" && BAD.has(state);
}

/** The words for the gaps at that time: «SNMP and echo: no answer». Null where there are none. */
export function causeAt(set: SeriesSet, atMs: number, intervalS: number): string | null {
  const backMs = POLLS_BACK * Math.max(intervalS, set.step_s) * 1000;
  const found = new Map<string, string[]>();
  for (const metric of ASKED_METRICS) {
    const points = set.series.find((one) => one.metric === metric)?.points ?? [];
    // A point that joins several readings stands at the beginning of its time.
    const near = points.findLast((point) => {
      const t = Number(point[0]);
      return t <= atMs + 1000 && t > atMs - backMs;
    });
    const cause = near && near[1] === null && typeof near[4] === "string" ? causeWord(near[4]) : null;
    if (cause) found.set(cause, [...(found.get(cause) ?? []), ASKED[metric] ?? metric]);
  }
  return [...found].map(([cause, of]) => `${of.join(" and ")}: ${cause}`).join(", ") || null;
}

/** Each change to a worse state, with why. */
export function explained(items: readonly Item[], set: SeriesSet | undefined, intervalS: number): Item[] {
  return items.map((item) => {
    const cause = set && isUnexplained(item) ? causeAt(set, Date.parse(item.at), intervalS) : null;
    return cause ? { ...item, text: `${item.text} · ${cause}` } : item;
  });
}
