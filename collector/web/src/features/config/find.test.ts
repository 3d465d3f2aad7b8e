import { expect, it } from "vitest";
import { findAll, nextPlace } from "./find";

it("finds a word in any case, each place once", () => {
  expect(findAll("VLAN 10\nvlan 20", "vlan")).toEqual([{ from: 0, to: 4 }, { from: 8, to: 12 }]);
  expect(findAll("aaaa", "aa")).toEqual([{ from: 0, to: 2 }, { from: 2, to: 4 }]);
  expect(findAll("anything", "")).toEqual([]);
  expect(findAll("xxxx", "x", 2)).toHaveLength(2);
});

it("keeps its places where a letter has another length in the other case", () => {
  expect(findAll("description İstanbul\nvlan 10", "vlan")).toEqual([{ from: 21, to: 25 }]);
});

it("steps around the ends", () => {
  expect(nextPlace(1, 1, 2)).toBe(0);
  expect(nextPlace(0, -1, 3)).toBe(2);
  expect(nextPlace(-1, 1, 3)).toBe(0);
  expect(nextPlace(-1, 1, 0)).toBe(-1);
});
