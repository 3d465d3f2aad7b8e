import { expect, it } from "vitest";
import { gridMove } from "./grid-keys";

const key = (name: string, ctrlKey = false) => ({ key: name, ctrlKey, metaKey: false, altKey: false });

it.each([
  ["ArrowDown", -1, 0],
  ["ArrowDown", 0, 1],
  ["ArrowDown", 2, 2],
  ["ArrowUp", -1, 0],
  ["ArrowUp", 2, 1],
  ["Home", 2, 0],
  ["End", 0, 2],
  ["j", 0, null],
])("%s from row %i", (name, at, want) => expect(gridMove(key(name), at, 3)).toBe(want));

it("leaves the browser its own keys, and an empty grid alone", () => {
  expect(gridMove(key("Home", true), 2, 3)).toBeNull();
  expect(gridMove(key("End"), -1, 0)).toBeNull();
});
