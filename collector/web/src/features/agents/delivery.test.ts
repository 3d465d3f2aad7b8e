import { expect, it } from "vitest";
import { healthOf, troubleOf } from "./delivery";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();
const well = { state: "up", last_seen_at: at(1), revoked_at: null, buffer: { batches: 1, bytes: 1, oldest_at: at(1) }, lost_24h: { gaps: 0, samples: 0 }, clock_offset_ms: null } as const;
const behind = { ...well, buffer: { batches: 9, bytes: 9, oldest_at: at(7200) } };
const away = { ...well, state: "down" } as const;

it("finds nothing wrong with one that delivers, nor with one of which nothing is awaited", () => {
  expect(troubleOf(well, NOW)).toBeNull();
  expect(troubleOf({ ...well, clock_offset_ms: 900 }, NOW)).toBeNull();
  expect(troubleOf({ ...away, revoked_at: at(60) }, NOW)).toBeNull();
  expect(troubleOf({ ...away, last_seen_at: null }, NOW)).toBeNull();
});

it("tells what is wrong with one", () => {
  expect(troubleOf(behind, NOW)).toMatchObject({ isAway: false, behindS: 7200 });
  // What it keeps is as it was heard last.
  expect(troubleOf({ ...behind, state: "down" }, NOW)).toMatchObject({ isAway: true, behindS: null });
  expect(troubleOf({ ...well, lost_24h: { gaps: 2, samples: 0 } }, NOW)).toMatchObject({ gaps: 2 });
  expect(troubleOf({ ...well, clock_offset_ms: -4000 }, NOW)).toMatchObject({ isClockOff: true });
});

it("says it of all in a line, the worst first", () => {
  expect(healthOf([], NOW)).toEqual({ isWell: true, words: "", brief: "" });
  expect(healthOf([well], NOW).words).toBe("The agent delivers");
  expect(healthOf([well, well, { ...away, revoked_at: at(9) }], NOW)).toMatchObject({ isWell: true, words: "All 2 agents deliver" });
  const all = [well, away, behind, { ...behind, buffer: { ...behind.buffer, oldest_at: at(60) } }, { ...well, lost_24h: { gaps: 1, samples: 40 }, clock_offset_ms: 70_000 }];
  expect(healthOf(all, NOW)).toEqual({ isWell: false, words: "1 agent away · 2 agents behind by 2 h · 40 samples lost in 24 h · 1 clock wrong", brief: "1 away · 2 behind · 40 lost · 1 clock" });
  // No claim is made of one that should have said something.
  expect(healthOf([{ ...well, last_seen_at: at(20) }], NOW)).toEqual({ isWell: false, words: "1 agent silent", brief: "1 silent" });
  expect(healthOf([{ ...well, lost_24h: { gaps: 2, samples: 0 } }], NOW)).toMatchObject({ words: "1 agent lost data in 24 h", brief: "1 lost data" });
});
