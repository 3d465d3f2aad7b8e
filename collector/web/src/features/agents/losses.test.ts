import { expect, it } from "vitest";
import type { Gap } from "../../lib/types";
import { incidentsOf, sumsOf } from "./losses";

const lost = (gaps: number, samples: number) => ({ gaps, samples });
const of = (name: string, reason: string, day: object, week: object) => ({ class: name, reason, from: "", to: "", day, week, ever: week }) as Parameters<typeof sumsOf>[0][number];

it("sums kinds of values by why, what lost most of the week first", () => {
  expect(sumsOf([
    of("counters", "crash", lost(1, 0), lost(2, 0)),
    of("counters", "evicted", lost(1, 40), lost(2, 50)),
    of("gauges", "evicted", lost(0, 0), lost(1, 5)),
  ])).toEqual([
    { reason: "evicted", day: lost(1, 40), week: lost(2, 55) },
    { reason: "crash", day: lost(1, 0), week: lost(2, 0) },
  ]);
});

it("owns up to what is told as not counted", () => {
  const unknown = { count: null } as unknown as Partial<Gap>;
  expect(told([gap("gauges", 0, 60, unknown), gap("counters", 0, 60, { count: 7 })])).toEqual(["counters+gauges 0 00:00-01:00"]);
});

it("leaves out what was before that", () => {
  expect(sumsOf([of("counters", "corrupt", lost(0, 0), lost(0, 0))])).toEqual([]);
});

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22) + seconds * 1000).toISOString();
let seq = 0;
const gap = (name: string, from: number, to: number, more: Partial<Gap> = {}): Gap => {
  seq += 1;
  return { class: name, from: at(from), to: at(to), reason: "crash", count: 0, stream: "1", seq_from: seq, seq_to: seq, ...more };
};
const told = (gaps: readonly Gap[]) => incidentsOf(gaps).map(({ classes, count, from, to }) => `${classes.join("+")} ${count} ${from.slice(14, 19)}-${to.slice(14, 19)}`);

it("tells the gaps that one kill made in several kinds of values as one", () => {
  expect(told([gap("gauges", 600, 660), gap("counters", 598, 662), gap("gauges", 60, 90), gap("counters", 60, 90)]))
    .toEqual(["counters+gauges 0 09:58-11:02", "counters+gauges 0 01:00-01:30"]);
});

it("adds what was counted, and owns up where a part of it was not", () => {
  const full = (name: string, count: number) => gap(name, 0, 60, { reason: "evicted", count });
  expect(told([full("gauges", 2), full("counters", 40), full("events", 1)])).toEqual(["counters+events+gauges 43 00:00-01:00"]);
  expect(told([full("gauges", 2), full("counters", 0), full("events", 1)])).toEqual(["counters+events+gauges 0 00:00-01:00"]);
});

it("keeps apart what another cause, another time or another kill took", () => {
  expect(told([gap("gauges", 0, 60), gap("counters", 0, 60, { reason: "corrupt" })])).toHaveLength(2);
  expect(told([gap("gauges", 0, 60), gap("gauges", 0, 60)])).toHaveLength(2);
  expect(told([gap("gauges", 0, 60), gap("counters", 0, 3600)])).toHaveLength(2);
  expect(told([gap("gauges", 0, 3600), gap("counters", 3000, 3600)])).toHaveLength(2);
  // Both times are near, and they do not touch.
  expect(told([gap("gauges", 30, 40), gap("counters", 0, 10)])).toHaveLength(2);
  // Killed again as soon as it was back.
  expect(told([gap("gauges", 30, 40), gap("counters", 30, 40), gap("gauges", 0, 10), gap("counters", 0, 10)]))
    .toEqual(["counters+gauges 0 00:30-00:40", "counters+gauges 0 00:00-00:10"]);
});

it("has a key for each, though numbers are told twice", () => {
  const all = incidentsOf([gap("gauges", 0, 60), gap("gauges", 0, 60, { reason: "corrupt" }), gap("events", 900, 960)]);
  expect(new Set(all.map(({ key }) => key)).size).toBe(3);
});
