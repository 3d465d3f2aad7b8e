import { expect, it } from "vitest";
import type { Agent } from "../../lib/types";
import { certificateOf, told } from "./agent-state";

const NOW = Date.UTC(2026, 10, 22);
const ends = (hours: number, revoked_at: string | null = null) => ({ certificate_expires_at: new Date(NOW + hours * 3_600_000).toISOString(), revoked_at });

it("calls a certificate late once its renewal is", () => {
  expect(certificateOf(ends(6 * 24), NOW)).toEqual({ isLate: false, word: "certificate ends in 6 d" });
  expect(certificateOf(ends(28), NOW)).toEqual({ isLate: true, word: "certificate ends in 1 d 4 h" });
  expect(certificateOf(ends(-1), NOW)).toEqual({ isLate: true, word: "certificate expired" });
});

it("says nothing of one that is revoked, or has none", () => {
  expect(certificateOf(ends(28, new Date(NOW).toISOString()), NOW)).toBeNull();
  expect(certificateOf({ certificate_expires_at: null, revoked_at: null }, NOW)).toBeNull();
});

it("calls one silent before it is offline, and not backfilling for that", () => {
  const heard = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
  const of = (seconds: number) => told({
    state: "up", last_seen_at: heard(seconds), clock_offset_ms: null, certificate_expires_at: null, revoked_at: null, lost_24h: { gaps: 0, samples: 0 },
    buffer: { batches: 1, bytes: 51, oldest_at: heard(seconds + 1) },
  } as unknown as Agent, NOW);
  expect([of(2), of(24), of(36)]).toEqual([{ state: "up", note: null }, { state: "degraded", note: "silent for 24 s" }, { state: "degraded", note: "silent for 36 s" }]);
});
