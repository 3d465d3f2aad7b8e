import { expect, it } from "vitest";
import type { Agent } from "../../lib/types";
import { dataHealth, oldestAck } from "./health";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const agent = (id: string, more: Partial<Agent> = {}) => ({
  id, state: "up", last_seen_at: ago(2), last_ack_at: ago(4), revoked_at: null, offline_reason: null, buffer: null, lost_24h: { gaps: 0, samples: 0 }, devices: 3, ...more,
}) as unknown as Agent;

it("tells those that are behind from those that are well, the worst first", () => {
  const { behind, well } = dataHealth([
    agent("well"), agent("unseen", { last_seen_at: null, state: "unknown" }), agent("late", { buffer: { batches: 9, bytes: 900, oldest_at: ago(600) } }),
    agent("gone", { state: "down" }), agent("stopped", { state: "down", offline_reason: "stopped" }), agent("sick", { state: "degraded" }), agent("lossy", { lost_24h: { gaps: 1, samples: 0 } }), agent("clock", { clock_offset_ms: 3000 }),
    agent("revoked", { revoked_at: ago(9), state: "down" }), agent("lost", { last_seen_at: ago(500) }), agent("quiet", { last_seen_at: ago(20) }),
  ], NOW);
  expect(behind.map(({ id, lag }) => `${id} ${lag}`)).toEqual([
    "gone offline", "lost offline", "quiet silent", "sick degraded", "late backfilling", "clock clock", "lossy losing", "stopped stopped", "unseen unseen",
  ]);
  expect(well).toEqual(["well"]);
});

it("is as current as the agent that was acknowledged longest ago", () => {
  expect(oldestAck([agent("a"), agent("b", { last_ack_at: ago(11) }), undefined], NOW)).toBe(11);
  expect(oldestAck([agent("idle", { last_ack_at: ago(900), devices: 0 }), agent("new", { last_ack_at: null })], NOW)).toBeNull();
});
