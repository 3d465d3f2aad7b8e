import { expect, it } from "vitest";
import { edges } from "./hatch";

it("keeps a gap within the plot", () => {
  expect(edges(-50, 40, 10, 200, 3)).toEqual([10, 40]);
  expect(edges(150, 900, 10, 200, 3)).toEqual([150, 200]);
  expect(edges(300, 400, 10, 200, 3)).toBeNull();
  expect(edges(-20, 5, 10, 200, 3)).toBeNull();
});

it("draws a short one wide enough to be found", () => {
  expect(edges(100, 100, 10, 200, 4)).toEqual([98, 102]);
  expect(edges(10, 10, 10, 200, 4)).toEqual([10, 12]);
});
