import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { call } from "./call";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const ACK = { at: "2026-11-22T11:59:00Z", by: "noc@farwatch.example", note: null };
const alert = (more: Partial<Alert> = {}): Alert => ({ phase: "firing", severity: "info", ack: null, silenced_until: null, ...more }) as Alert;

it.each([
  ["nothing", [], { open: 0, firing: 0, tone: "muted", loud: 0 }],
  ["what is over", [alert({ phase: "resolved", severity: "critical" })], { open: 0, firing: 0, tone: "muted", loud: 0 }],
  ["what only tells", [alert()], { open: 1, firing: 1, tone: "muted", loud: 1 }],
  ["a warning", [alert(), alert({ severity: "warning" })], { open: 2, firing: 2, tone: "warn", loud: 1 }],
  ["something critical before a warning", [alert({ severity: "critical" }), alert({ severity: "warning" })], { open: 2, firing: 2, tone: "alarm", loud: 1 }],
  ["the two of three that are critical", [alert({ severity: "critical" }), alert({ severity: "warning" }), alert({ severity: "critical" })], { open: 3, firing: 3, tone: "alarm", loud: 2 }],
  ["something critical that is somebody's", [alert({ severity: "critical", ack: ACK }), alert({ severity: "warning" })], { open: 2, firing: 1, tone: "warn", loud: 1 }],
  ["something critical that is silent", [alert({ severity: "critical", silenced_until: "2026-11-22T12:05:00Z" })], { open: 1, firing: 0, tone: "muted", loud: 0 }],
  ["something critical that waits", [alert({ severity: "critical", phase: "pending" })], { open: 1, firing: 0, tone: "muted", loud: 0 }],
] as const)("calls for %s", (_, alerts, expected) => expect(call(alerts, NOW)).toEqual(expected));
