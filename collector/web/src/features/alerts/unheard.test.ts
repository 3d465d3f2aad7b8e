import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { isForgotten, isUnheard, lookAgain } from "./unheard";

const NOW = Date.parse("2026-11-22T06:00:00Z");
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const DAY = 86_400_000;
const alert = (firedMs: number, more: Partial<Alert> = {}) => ({
  phase: "firing", severity: "critical", ack: null, silenced_until: null, began_at: ago(firedMs), fired_at: ago(firedMs), ...more,
}) as Alert;

it("is unheard once a route has had its time, as long as deliveries are kept", () => {
  expect([1000, 60_000, 89 * DAY, 91 * DAY].map((ms) => isUnheard(alert(ms), NOW))).toEqual([false, true, true, false]);
  expect([89 * DAY, 91 * DAY].map((ms) => isForgotten(alert(ms), NOW))).toEqual([false, true]);
});

it("is looked at again only where something may come", () => {
  const again = (one: Alert, states?: ("queued" | "delivered")[]) => lookAgain(one, states?.map((state) => ({ state })), NOW);
  expect(again(alert(0))).toBe(false);
  expect(again(alert(0), [])).toBe(20_000);
  expect(again(alert(0), ["delivered"])).toBe(false);
  expect(again(alert(0, { phase: "resolved" }), ["delivered", "queued"])).toBe(5000);
  const quiet = [alert(0, { phase: "resolved" }), alert(0, { severity: "info" }), alert(0, { ack: { at: ago(0), by: "a", note: null } }), alert(91 * DAY)];
  expect(quiet.map((one) => again(one, []))).toEqual([false, false, false, false]);
});
