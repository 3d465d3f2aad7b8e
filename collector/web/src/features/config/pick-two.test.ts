import { expect, it } from "vitest";
import { pickTwo } from "./pick-two";
import { untilWords } from "./until-words";

it("keeps the last two that were marked", () => {
  expect(pickTwo([], "a")).toEqual(["a"]);
  expect(pickTwo(["a", "b"], "c")).toEqual(["b", "c"]);
  expect(pickTwo(["a", "b"], "a")).toEqual(["b"]);
});

it("says when something is due", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(untilWords("2026-01-01T02:30:00Z", now)).toBe("in 2 h 30 min");
  expect(untilWords("2025-12-31T23:00:00Z", now)).toBe("now");
  expect(untilWords(null, now)).toBe("–");
});
