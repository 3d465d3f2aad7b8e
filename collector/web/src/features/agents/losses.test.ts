import { expect, it } from "vitest";
import { sumsOf } from "./losses";

const lost = (gaps: number, samples: number) => ({ gaps, samples });
const of = (name: string, reason: string, day: object, week: object) => ({ class: name, reason, from: "", to: "", day, week, ever: week }) as Parameters<typeof sumsOf>[0][number];

it("sums kinds of values by why, what lost most of the week first", () => {
  expect(sumsOf([
    of("counters", "crash", lost(1, 0), lost(2, 0)),
    of("counters", "evicted", lost(1, 40), lost(2, 50)),
    of("gauges", "evicted", lost(0, 0), lost(1, 5)),
  ])).toEqual([
    { reason: "evicted", day: lost(1, 40), week: lost(3, 55) },
    { reason: "crash", day: lost(1, 0), week: lost(2, 0) },
  ]);
});

it("leaves out what was before that", () => {
  expect(sumsOf([of("counters", "corrupt", lost(0, 0), lost(0, 0))])).toEqual([]);
});
