import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { endWord, lastedWords, standingNote, untold, valueOf } from "./subject";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const alert = (more: Partial<Alert>): Alert =>
  ({ phase: "firing", cause: null, ack: null, silenced_until: null, unknown: false, well_at: null, ...more }) as Alert;

it("tells the value that was wrong, and none of a flag or a state", () => {
  expect(valueOf({ value: 97.4, unit: "percent" })).toBe("97.4 %");
  expect(valueOf({ value: 1, unit: "flag" })).toBeNull();
  expect(valueOf({ value: null, unit: null })).toBeNull();
});

it("tells of what it is only where the line does not", () => {
  const line = { summary: "uplink of core-1 is down, and was up", object: "if:3", object_name: "uplink" };
  expect(untold(line, "core-1")).toBeNull();
  expect(untold(line, "core-1.depot")).toBe("core-1.depot");
  expect(untold({ ...line, summary: "core-1: no backup" }, "edge")).toBe("edge · uplink");
});

it("tells how long it was wrong, to the second", () => {
  const began = "2026-11-22T11:53:59Z";
  expect(lastedWords({ began_at: began, resolved_at: "2026-11-22T11:56:56Z", well_at: null })).toBe("2 min 57 s");
  expect(lastedWords({ began_at: began, resolved_at: "2026-11-22T11:56:56Z", well_at: "2026-11-22T11:55:56Z" })).toBe("117 s");
  expect(lastedWords({ began_at: began, resolved_at: null, well_at: "2026-11-22T11:54:59Z" })).toBe("60 s");
  expect(lastedWords({ began_at: began, resolved_at: null, well_at: null })).toBeNull();
});

it("notes who, until when, and what is in doubt", () => {
  const ack = { at: "2026-11-22T11:00:00Z", by: "noc@farwatch.example", note: null };
  expect(standingNote(alert({}), NOW)).toBeNull();
  expect(standingNote(alert({ ack }), NOW)).toBe("by noc@farwatch.example");
  expect(standingNote(alert({ ack, unknown: true }), NOW)).toBe("by noc@farwatch.example · unknown now");
  expect(standingNote(alert({ silenced_until: "2026-11-22T12:30:00Z" }), NOW)).toMatch(/^until \d\d:\d\d$/);
  // Next week's is no time of today.
  expect(standingNote(alert({ silenced_until: "2026-11-29T12:30:00Z" }), NOW)).toMatch(/^until .*29.*, \d\d:\d\d$/);
  expect(standingNote(alert({ well_at: "2026-11-22T11:59:00Z" }), NOW)).toBe("well for now");
  const over = { phase: "resolved", began_at: "2026-11-22T11:00:00Z", resolved_at: "2026-11-22T11:05:00Z" } as const;
  expect(standingNote(alert({ ...over, ack, cause: "rule_changed" }), NOW)).toBe("after 5 min · its rule was changed");
  expect(standingNote(alert(over), NOW)).toBe("after 5 min");
  expect(endWord("moon_fell")).toBe("moon fell");
});
