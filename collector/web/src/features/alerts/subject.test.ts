import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { endWord, standingNote, wrongWith } from "./subject";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const alert = (more: Partial<Alert>): Alert =>
  ({ phase: "firing", cause: null, ack: null, silenced_until: null, unknown: false, well_at: null, ...more }) as Alert;

it("tells the rule and the value that is wrong", () => {
  const rule = { id: "rul_1", name: "Processor busy" };
  expect(wrongWith({ rule, value: 97.4, unit: "percent" })).toBe("Processor busy · 97.4 %");
  expect(wrongWith({ rule, value: null, unit: null })).toBe("Processor busy");
  // Of a flag the rule says all.
  expect(wrongWith({ rule: { id: "rul_2", name: "Host key changed" }, value: 1, unit: "one" })).toBe("Host key changed");
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
  expect(standingNote(alert({ phase: "resolved", ack, cause: "rule_changed" }), NOW)).toBe("its rule was changed");
  expect(endWord("moon_fell")).toBe("moon fell");
});
