import { expect, it } from "vitest";
import { isCut, sumsOf } from "./losses";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const gap = (hoursAgo: number, reason: string, count: number) => ({ to: new Date(NOW - hoursAgo * 3_600_000).toISOString(), reason, count });

it("sums by why, of a day and of a week, what lost most first", () => {
  expect(sumsOf([gap(1, "crash", 0), gap(2, "evicted", 40), gap(30, "evicted", 5), gap(200, "corrupt", 9)], NOW)).toEqual([
    { reason: "evicted", day: { gaps: 1, samples: 40 }, week: { gaps: 2, samples: 45 } },
    { reason: "crash", day: { gaps: 1, samples: 0 }, week: { gaps: 1, samples: 0 } },
  ]);
  expect(sumsOf([], NOW)).toEqual([]);
});

it("knows when a week is not whole yet", () => {
  const list = [gap(1, "crash", 0), gap(30, "crash", 0)];
  expect(isCut(list, true, NOW)).toBe(true);
  expect(isCut(list, false, NOW)).toBe(false);
  expect(isCut([...list, gap(200, "crash", 0)], true, NOW)).toBe(false);
  expect(isCut([], true, NOW)).toBe(false);
});
