/** What an agent lost for good: each incident once, and all of them summed by why. */
import type { Gap, Losses, Lost } from "../../lib/types";

export interface Sum {
  reason: string;
  day: Lost;
  week: Lost;
}

/** An incident makes a gap in each kind of values: as many as in the kind that has most. */
function plus(a: Lost, b: Lost): Lost {
  return { gaps: Math.max(a.gaps, b.gaps), samples: a.samples + b.samples };
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

/** The gaps of one incident, one of each kind of values. */
export interface Incident extends Pick<Gap, "from" | "to" | "reason"> {
  key: string;
  /** In the order of their names. */
  classes: string[];
  /** 0 where one of them was not counted. */
  count: number;
}

/** So far apart the gaps of one incident begin, and end: a few polls. */
const NEAR_MS = 60_000;

const isNear = (a: string, b: string) => Math.abs(Date.parse(a) - Date.parse(b)) <= NEAR_MS;

/** They touch: an agent that is killed twice in a minute was killed twice. */
function isOfOne(one: Incident, gap: Gap): boolean {
  return one.reason === gap.reason && !one.classes.includes(gap.class) && isNear(one.from, gap.from) && isNear(one.to, gap.to)
    && Date.parse(one.from) <= Date.parse(gap.to) && Date.parse(gap.from) <= Date.parse(one.to);
}

/** In the order of the gaps, which is by when they begin. */
export function incidentsOf(gaps: readonly Gap[]): Incident[] {
  const incidents: Incident[] = [];
  for (const gap of gaps) {
    const one = incidents.findLast((before) => isOfOne(before, gap));
    if (one) {
      one.classes = [...one.classes, gap.class].toSorted();
      one.count = one.count && gap.count ? one.count + gap.count : 0;
      if (Date.parse(gap.from) < Date.parse(one.from)) one.from = gap.from;
      if (Date.parse(gap.to) > Date.parse(one.to)) one.to = gap.to;
    } else {
      const { from, to, reason, stream, seq_from: first, class: name } = gap;
      incidents.push({ key: `${stream} ${first} ${name} ${reason} ${from}`, from, to, reason, count: gap.count ?? 0, classes: [name] });
    }
  }
  return incidents;
}
