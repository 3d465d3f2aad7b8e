/** Where a series has no values, and why. */
import { isDeclared, isLoss, nothingWords } from "../../lib/gap-words";
import type { Series } from "../../lib/types";

export interface Gap {
  /** Seconds. */
  from: number;
  to: number;
  /** As the API names it: of a loss that was counted `gap` or `gap_evicted`, else why there was no answer. */
  cause: string;
}

/**
 * Points without a value that follow each other with one cause are one gap. It reaches from the value before to the one
 * after: that is where the line is missing. `end` in seconds is that of the series.
 */
export function gapsOf(points: Series["points"], end: number): Gap[] {
  const gaps: Gap[] = [];
  let open: Gap | undefined;
  let known: number | null = null;
  for (const [ms, value, , , cause] of points) {
    if (typeof ms !== "number") continue;
    const at = ms / 1000;
    if (open) open.to = at;
    if (typeof value === "number" || typeof cause !== "string") open = undefined;
    else if (open?.cause !== cause) {
      open = { from: known ?? at, to: Math.max(at, end), cause };
      gaps.push(open);
    } else open.to = Math.max(at, end);
    known = typeof value === "number" ? at : null;
  }
  return gaps;
}

/** Of several series, the oldest first: those of one cause that touch are one. */
export function joined(gaps: readonly Gap[]): Gap[] {
  const all: Gap[] = [];
  for (const gap of gaps.toSorted((a, b) => a.from - b.from)) {
    const last = all.findLast(({ cause }) => cause === gap.cause);
    if (last && gap.from <= last.to) last.to = Math.max(last.to, gap.to);
    else all.push({ ...gap });
  }
  return all;
}

/** What was lost, and not what a device did not answer. */
export function losses(gaps: readonly Gap[] | undefined, from: number, to: number): Gap[] {
  return hatched(gaps, from, to).filter(({ cause }) => isLoss(cause));
}

/** What is hatched: losses, and when the agent did not run. */
export function hatched(gaps: readonly Gap[] | undefined, from: number, to: number): Gap[] {
  return (gaps ?? []).filter((gap) => isDeclared(gap.cause) && gap.to > from && gap.from < to);
}

/** The cause at an instant. Of several a loss says most, and a poll that failed least. */
export function causeAt(gaps: readonly Gap[] | undefined, at: number): string | null {
  const here = (gaps ?? []).filter(({ from, to }) => from <= at && at <= to);
  return (here.find(({ cause }) => isLoss(cause)) ?? here.find(({ cause }) => isDeclared(cause)) ?? here[0])?.cause ?? null;
}

/** «the agent's buffer was full»: of what was lost, each reason once. */
export function lossWords(gaps: readonly Gap[]): string {
  return [...new Set(gaps.map(({ cause }) => nothingWords(cause)))].join("; ");
}
