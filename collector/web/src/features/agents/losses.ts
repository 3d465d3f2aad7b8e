/** What an agent lost for good, summed by why. */
import type { Losses, Lost } from "../../lib/types";

export interface Sum {
  reason: string;
  day: Lost;
  week: Lost;
}

function plus(a: Lost, b: Lost): Lost {
  return { gaps: a.gaps + b.gaps, samples: a.samples + b.samples };
}

/** Of the last seven days, over all kinds of values: what lost most first. */
export function sumsOf(losses: readonly Losses[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { reason, day, week } of losses) {
    if (week.gaps === 0) continue;
    const sum = sums.get(reason);
    sums.set(reason, sum ? { reason, day: plus(sum.day, day), week: plus(sum.week, week) } : { reason, day, week });
  }
  return [...sums.values()].toSorted((a, b) => b.week.samples - a.week.samples || b.week.gaps - a.week.gaps);
}
