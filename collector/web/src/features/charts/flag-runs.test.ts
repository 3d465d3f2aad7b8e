import { expect, it } from "vitest";
import { flagRuns } from "./flag-runs";

const ALL = { from: 0, to: 100, gapS: 15 };

it("joins what is the same, and cuts where it turns", () => {
  expect(flagRuns([10, 20, 30, 40], [1, 1, 0, 1], ALL)).toEqual([{ from: 10, to: 30, value: 1 }, { from: 30, to: 40, value: 0 }, { from: 40, to: 50, value: 1 }]);
});

it("leaves gaps open, by their length and where a poll says so", () => {
  expect(flagRuns([10, 20, 60, 70], [1, 1, 1, 1], ALL)).toEqual([{ from: 10, to: 30, value: 1 }, { from: 60, to: 80, value: 1 }]);
  expect(flagRuns([10, 20, 30, 40], [1, null, 1, 1], ALL)).toEqual([{ from: 10, to: 20, value: 1 }, { from: 30, to: 50, value: 1 }]);
});

it("passes by what is only compared with", () => {
  expect(flagRuns([10, 14, 20, 24], [1, undefined, 1, undefined], ALL)).toEqual([{ from: 10, to: 30, value: 1 }]);
});

it("keeps within the range", () => {
  expect(flagRuns([0, 10, 20, 30], [1, 0.5, 0, 0], { from: 12, to: 25, gapS: 15 })).toEqual([{ from: 12, to: 20, value: 0.5 }, { from: 20, to: 25, value: 0 }]);
});
