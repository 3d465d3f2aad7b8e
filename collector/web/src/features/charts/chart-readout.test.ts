import { expect, it } from "vitest";
import { holeAt } from "./chart-readout";

it("bounds a hole by the values around it, of any line, or by the range", () => {
  const data = [[10, 20, 30, 40, 50, 60], [1, null, null, null, 1, undefined], [null, 2, null, null, null, null], [9, 9, 9, 9, 9, 9]] as Parameters<typeof holeAt>[0];
  const range = { min: 0, max: 100 };
  expect(holeAt(data, 2, 31, range)).toEqual({ at: 31, from: 20, to: 50, isFirst: false });
  expect(holeAt(data, 2, 55, range)).toEqual({ at: 55, from: 50, to: 100, isFirst: false });
  expect(holeAt(data, 2, 5, range)).toEqual({ at: 5, from: 0, to: 10, isFirst: true });
});
