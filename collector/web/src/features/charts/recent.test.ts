import { afterEach, expect, it } from "vitest";
import { RECENT_MAX, recentRanges, rememberRange } from "./recent";

afterEach(() => localStorage.clear());

it("keeps the last ones, each once, the newest first", () => {
  for (let i = 0; i < RECENT_MAX + 3; i += 1) rememberRange({ from: `now-${i + 1}h`, to: "now" });
  rememberRange({ from: "now-6h", to: "now" });
  expect(recentRanges().map(({ from }) => from)).toEqual(["now-6h", "now-8h", "now-7h", "now-5h", "now-4h"]);
});

it("is empty where something odd is stored", () => {
  for (const odd of ["{", "[1]", '[{"from":5,"to":"now"}]']) {
    localStorage.setItem("farwatch.ranges", odd);
    expect(recentRanges()).toEqual([]);
  }
});
