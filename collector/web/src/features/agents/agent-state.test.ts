import { expect, it } from "vitest";
import { certificateOf } from "./agent-state";

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
