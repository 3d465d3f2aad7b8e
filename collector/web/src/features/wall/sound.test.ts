import { expect, it } from "vitest";
import { hasNew } from "./sound";

it("sounds for what was not there before, and not for what the page was opened with", () => {
  expect(hasNew(null, ["a"])).toBe(false);
  expect(hasNew(new Set(["a"]), ["a"])).toBe(false);
  expect(hasNew(new Set(["a"]), ["a", "b"])).toBe(true);
  expect(hasNew(new Set(["a", "b"]), [])).toBe(false);
});
