import { expect, it } from "vitest";
import { sinceTime } from "../../lib/format";
import { offlineWords } from "./offline";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const seen = new Date(NOW - 600_000).toISOString();
const agent = { state: "down", last_seen_at: seen, revoked_at: null, offline_reason: null } as const;

it("says why nothing can be asked of an agent that is away", () => {
  expect(offlineWords(agent, NOW)).toBe(`The agent is offline since ${sinceTime(seen, NOW)}.`);
  const stopped = offlineWords({ ...agent, offline_reason: "stopped" }, NOW);
  expect(stopped).toBe(`The agent is stopped since ${sinceTime(seen, NOW)}.`);
  expect(offlineWords({ ...agent, last_seen_at: null }, NOW)).toBe("The agent has never connected.");
  expect(offlineWords({ ...agent, revoked_at: seen }, NOW)).toBe("The agent is revoked.");
});

it("says nothing of one that is here, or that nobody knows", () => {
  const here = { ...agent, last_seen_at: new Date(NOW - 5000).toISOString() };
  expect(offlineWords({ ...here, state: "up" }, NOW)).toBeNull();
  expect(offlineWords({ ...here, state: "degraded" }, NOW)).toBeNull();
  expect(offlineWords(undefined, NOW)).toBeNull();
  // Not heard for minutes, and no word of the server.
  expect(offlineWords({ ...agent, state: "up" }, NOW)).toContain("offline since");
});
