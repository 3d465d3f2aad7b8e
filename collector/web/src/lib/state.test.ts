import { expect, it } from "vitest";
import { isDim, shownState } from "./state";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const row = (state: "up" | "down", seconds: number | null, interval_s = 60) => ({
  state, cause: null, interval_s, last_sample_at: seconds === null ? null : ago(seconds),
});

it("never shows an old value as good news", () => {
  expect(shownState(row("up", 299), NOW).state).toBe("up");
  expect(shownState(row("up", 301), NOW)).toEqual({ state: "unknown", cause: "stale" });
  expect(shownState(row("up", null), NOW).state).toBe("unknown");
  expect(shownState(row("up", 700, 300), NOW).state).toBe("up");
  expect(shownState(row("up", 751, 300), NOW).state).toBe("unknown");
});

it("keeps bad news", () => {
  expect(shownState(row("down", 9999), NOW).state).toBe("down");
});

it("dims after three intervals", () => {
  expect(isDim(ago(180), 60, NOW)).toBe(false);
  expect(isDim(ago(181), 60, NOW)).toBe(true);
  expect(isDim(null, 60, NOW)).toBe(true);
});
