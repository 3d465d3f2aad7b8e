/** Readings that say the same, one after the other, as one line. */
import type { AlertDetail } from "../../lib/types";

type Sample = AlertDetail["evidence"]["samples"][number];

export interface Fold {
  /** The oldest of them; what they say is the same. */
  first: Sample;
  last: Sample;
  count: number;
  isAfter: boolean;
}

/** The oldest first. What was read before it fired is never one with what came after. */
export function foldReadings(samples: readonly Sample[], firedAt: string | null): Fold[] {
  const folds: Fold[] = [];
  for (const sample of samples) {
    const isAfter = firedAt !== null && Date.parse(sample.at) > Date.parse(firedAt);
    const open = folds.at(-1);
    const isSame = open && open.isAfter === isAfter && open.last.value === sample.value && open.last.state === sample.state && open.last.cause === sample.cause;
    if (isSame) {
      open.last = sample;
      open.count += 1;
    } else folds.push({ first: sample, last: sample, count: 1, isAfter });
  }
  return folds;
}
