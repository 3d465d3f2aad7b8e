/** What was lost, in words of everyday. */
import { counted, dateTime, duration, NONE } from "../../lib/format";
import { isStop, reasonWords } from "../../lib/gap-words";
import type { Lost } from "../../lib/types";
import type { Incident } from "./losses";

const CLASS_WORDS: Readonly<Partial<Record<string, string>>> = {
  counters: "counters",
  gauges: "levels and pings",
  events: "changes of state",
  snapshots: "configurations",
};

/** What kinds of values it was. A newer collector's names are plain enough. */
export function classWords({ classes, reason }: Pick<Incident, "classes" | "reason">): string {
  if (isStop(reason)) return NONE;
  return classes.map((name) => CLASS_WORDS[name] ?? name.replaceAll("_", " ")).join(", ");
}

const ADVICE: Readonly<Partial<Record<string, string>>> = {
  evicted: "The line was away for longer than the buffer lasts. Give it more room: size_mib in the agent's file.",
  corrupt: "Look after the disk or the card of its machine: it gave back something else than was written.",
  crash: "A power cut or a kill takes up to the last second; until it runs again nothing is measured. If nobody did this, look at power, the OOM killer and the service's log.",
  collector_rollback: "The backup was older than what agents still keep. Back up the collector more often.",
  rejected: "Its device moved to another agent, or the tenant has as many series as it may. The collector's log tells which.",
};

/** What to do about it, or why nothing can be done. */
export function advice(reason: string): string | null {
  return ADVICE[reason] ?? null;
}

/** «1,240 samples in 3 gaps»; of gaps that nobody could count only how many they are. */
export function amountWords({ gaps, samples }: Lost): string {
  if (gaps === 0) return "none";
  return samples > 0 ? `${counted(samples, "sample")} in ${counted(gaps, "gap")}` : counted(gaps, "gap");
}

/** What one incident lost. */
export function countWords({ count }: Pick<Incident, "count">): string {
  return count > 0 ? counted(count, "sample") : "not counted";
}

/** The same in the list of all: nobody counts what a kill takes, and it is never more than that. */
export function lostWords(one: Pick<Incident, "count" | "reason">): string {
  if (isStop(one.reason)) return "not running";
  return one.reason === "crash" && one.count === 0 ? "up to a second" : countWords(one);
}

/** Why, and how long nothing was measured after it. */
export function whyWords(one: Pick<Incident, "reason" | "from" | "to">): string {
  return reasonWords(one.reason) + (one.reason === "crash" ? `; not running for ${lengthWords(one)}` : "");
}

/** How long it is. */
export function lengthWords({ from, to }: Pick<Incident, "from" | "to">): string {
  return duration((Date.parse(to) - Date.parse(from)) / 1000);
}

/** From when to when, for a tooltip. */
export function spanTitle({ from, to }: Pick<Incident, "from" | "to">): string {
  return `${dateTime(from)} – ${dateTime(to)}`;
}
