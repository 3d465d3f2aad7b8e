import { expect, it } from "vitest";
import { difference, spanBefore, withBefore } from "./compare";

it("puts both on one axis, and makes no gap of what the other has not", () => {
  const now = { times: [100, 110], values: [[1, null]], bands: [{ min: [0, null], max: [2, null] }] };
  const before = { times: [0, 5], values: [[7, 8]], bands: null };
  expect(withBefore(now, before, 100)).toEqual({
    times: [100, 105, 110],
    values: [[1, undefined, null]],
    bands: [{ min: [0, undefined, null], max: [2, undefined, null] }],
    before: [[7, 8, undefined]],
  });
});

it("asks for the same time before, and of a live one for what comes next", () => {
  const hour = 3_600_000;
  const span = { from: 10 * 24 * hour, to: 10 * 24 * hour + hour };
  expect(spanBefore(span, "1d", { from: "1", to: "2" })).toEqual({ from: 9 * 24 * hour, to: 9 * 24 * hour + hour });
  expect(spanBefore(span, "7d", { from: "now-1h", to: "now" })).toEqual({ from: 3 * 24 * hour, to: 3 * 24 * hour + 1.5 * hour });
});

it("tells the difference in per cent of what was before", () => {
  expect(difference(112, 100)).toBe("+12 %");
  expect(difference(0, 100)).toBe("−100 %");
  expect(difference(5, 5)).toBe("±0 %");
  expect(difference(-4, -5)).toBe("+20 %");
  expect(difference(5e6, 1)).toBe("> +999 %");
  for (const [now, before] of [[5, 0], [null, 5], [5, undefined]] as const) expect(difference(now, before)).toBe("");
});
