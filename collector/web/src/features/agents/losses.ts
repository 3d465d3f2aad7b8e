/** What an agent lost for good, summed by why. */
import type { Gap } from "../../lib/types";

const HOUR_MS = 3_600_000;
const [DAY_MS, WEEK_MS] = [24 * HOUR_MS, 7 * 24 * HOUR_MS];

type Lost = Pick<Gap, "to" | "count" | "reason">;

export interface Amount {
  gaps: number;
  /** Of those gaps that were counted. */
  samples: number;
}

export interface Sum {
  reason: string;
  day: Amount;
  week: Amount;
}

function grown({ gaps, samples }: Amount, { count }: Lost): Amount {
  return { gaps: gaps + 1, samples: samples + count };
}

const NOTHING: Amount = { gaps: 0, samples: 0 };

/** Of the last 24 hours and the last seven days, what lost most first. A gap is of the time in which it ends. */
export function sumsOf(gaps: readonly Lost[], nowMs: number): Sum[] {
  const sums = new Map<string, Sum>();
  for (const gap of gaps) {
    const age = nowMs - Date.parse(gap.to);
    if (age > WEEK_MS) continue;
    const sum = sums.get(gap.reason) ?? { reason: gap.reason, day: NOTHING, week: NOTHING };
    sums.set(gap.reason, { reason: gap.reason, week: grown(sum.week, gap), day: age > DAY_MS ? sum.day : grown(sum.day, gap) });
  }
  return [...sums.values()].toSorted((a, b) => b.week.samples - a.week.samples || b.week.gaps - a.week.gaps);
}

/** The list is the newest first: what is not here yet may be of the last seven days, too. */
export function isCut(gaps: readonly Pick<Gap, "to">[], hasMore: boolean, nowMs: number): boolean {
  const last = gaps.at(-1);
  return hasMore && last !== undefined && nowMs - Date.parse(last.to) <= WEEK_MS;
}
