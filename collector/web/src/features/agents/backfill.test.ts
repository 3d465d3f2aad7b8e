import { expect, it } from "vitest";
import { hereUpTo, progressOf } from "./backfill";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();
const agent = (batches: number, all: number | null, secondsAgo = 60) => ({
  buffer: { batches, bytes: 1, oldest_at: at(9000) },
  backfill: all === null ? null : { began_at: at(secondsAgo), batches_at_start: all, oldest_at_start: at(9000) },
});

it("tells how far it is, and by its pace how long still", () => {
  expect(progressOf(agent(750, 1000), NOW)).toEqual({ share: 25, left: "750 batches left", still: "about 3 min still" });
  expect(progressOf(agent(1, 1000), NOW)).toEqual({ share: 99, left: "1 batch left", still: "less than a minute still" });
});

it("foretells nothing of the first seconds, and nothing where more came than went", () => {
  expect(progressOf(agent(900, 1000, 2), NOW)).toMatchObject({ share: 10, still: null });
  expect(progressOf(agent(1200, 1000), NOW)).toMatchObject({ share: 0, still: null });
});

it("tells what is left where nobody knows how much it was", () => {
  expect(progressOf(agent(20, null), NOW)).toEqual({ share: null, left: "20 batches left", still: null });
  expect(progressOf({ backfill: null, buffer: { batches: 0, bytes: 0, oldest_at: null } }, NOW)).toBeNull();
  expect(progressOf({ backfill: null, buffer: null }, NOW)).toBeNull();
});

it("holds all before the oldest that waits for here, and nothing where nobody told what waits", () => {
  const waits = (oldest_at: string | null, batches = oldest_at ? 3 : 0) => ({ last_ack_at: at(5), buffer: { batches, bytes: 1, oldest_at } });
  expect([hereUpTo(waits(null)), hereUpTo(waits(at(9000))), hereUpTo(waits(at(1))), hereUpTo({ last_ack_at: at(5), buffer: null })])
    .toEqual([at(5), at(9000), at(5), null]);
});
