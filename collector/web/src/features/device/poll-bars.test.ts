import { expect, it } from "vitest";
import { pollBars } from "./poll-bars";

const line = (times: number[], ...values: (number | null)[]) => ({ times, values: [values] });

it("takes the last polls, those without an answer among them, and no gap", () => {
  const trips = line([1, 2, 3, 4, 5], 9, 0.2, null, null, 0.4);
  const losses = line([1, 2, 3, 4, 5], 0, 0, 100, null, 0);
  expect(pollBars(trips, losses, 3)).toEqual({ bars: [{ at: 2, rtt: 0.2 }, { at: 3, rtt: null }, { at: 5, rtt: 0.4 }], least: 0.2, most: 0.4, lost: 1 });
});

it("has no least and no most where nothing answered", () => {
  expect(pollBars(line([1], null), line([1], 100), 20)).toEqual({ bars: [{ at: 1, rtt: null }], least: null, most: null, lost: 1 });
  expect(pollBars(line([]), line([]), 20).bars).toEqual([]);
});
