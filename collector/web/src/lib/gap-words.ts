/** Why values will never come, in words of everyday. The names are those of the API. */
import { causeWord } from "./state";

const REASON_WORDS: Readonly<Partial<Record<string, string>>> = {
  evicted: "the agent's buffer was full",
  corrupt: "the agent's disk damaged it",
  crash: "the agent was killed or lost power",
  rollback: "the collector was set back to a backup",
  collector_rollback: "the collector was set back to a backup",
  rejected: "the collector refused it",
  stopped: "the agent was not running",
};

/** A newer server may tell reasons that have no words here: their names are plain enough. */
export function reasonWords(reason: string): string {
  return REASON_WORDS[reason] ?? (reason === "unknown" ? "nobody knows why" : reason.replaceAll("_", " "));
}

/** It did not run, in order: nothing was measured, and nothing of it is lost. As a reason of a gap, or as the cause of a point. */
export function isStop(cause: string): boolean {
  return cause === "stopped" || cause === "agent_stopped";
}

/** Declared by the agent or the collector, as the cause of a point tells it: `gap`, `gap_` and its reason, or a stop. */
export function isDeclared(cause: string): boolean {
  return cause === "gap" || cause.startsWith("gap_") || isStop(cause);
}

/** Values that were there and are gone. */
export function isLoss(cause: string): boolean {
  return isDeclared(cause) && !isStop(cause);
}

/** Why there is no value at a point: «the agent's buffer was full», «no answer». */
export function nothingWords(cause: string): string {
  if (cause === "gap") return "lost for good";
  if (isStop(cause)) return reasonWords("stopped");
  return isDeclared(cause) ? reasonWords(cause.slice("gap_".length)) : (causeWord(cause) ?? "not known");
}
