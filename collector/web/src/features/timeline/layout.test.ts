import { expect, it } from "vitest";
import { layout, moved } from "./layout";

const item = (second: number) => ({ at: new Date(second * 1000).toISOString() });
const seconds = (items: readonly { at: string }[]) => items.map(({ at }) => Date.parse(at) / 1000);

it("places what happened within the range", () => {
  const marks = layout([item(75), item(25), item(-1), item(101)], 0, 100_000, 0.05);
  expect(marks.map(({ share }) => share)).toEqual([0.25, 0.75]);
});

it("makes one mark of what stands close together, newest first", () => {
  const marks = layout([item(10), item(12), item(14), item(40)], 0, 100_000, 0.05);
  expect(marks.map(({ items }) => seconds(items))).toEqual([[14, 12, 10], [40]]);
  expect(marks[0]?.share).toBeCloseTo(0.12);
});

it("does not let a long row of near ones grow into one", () => {
  const marks = layout(Array.from({ length: 10 }, (_, i) => item(i * 4)), 0, 100_000, 0.05);
  expect(marks).toHaveLength(5);
});

it("has no marks in no time", () => {
  expect(layout([item(0)], 0, 0, 0.05)).toEqual([]);
});

it("moves by arrows and stays at the ends", () => {
  expect(["ArrowRight", "ArrowLeft", "Home", "End", "x"].map((key) => moved(key, 1, 3))).toEqual([2, 0, 0, 2, null]);
  expect([moved("ArrowRight", 2, 3), moved("ArrowLeft", 0, 3)]).toEqual([2, 0]);
});
