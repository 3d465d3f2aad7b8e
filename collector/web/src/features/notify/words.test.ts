import { expect, it } from "vitest";
import { channelShown, targetWords } from "./channel-words";
import { adviceFor, causeWords, deliveryShown, stateWords, tookWords } from "./delivery-words";
import { logSearch } from "./search";
import type { Delivery, DeliveryAttempt } from "./types";
import * as v from "valibot";

const SINCE = "2026-11-22T10:00:00Z";
const attempt = (change: Partial<DeliveryAttempt>): DeliveryAttempt => ({
  at: SINCE, took_ms: 12, outcome: "refused", status: 500, detail: "answered 500", ...change,
});

it("tells where a channel leads, without a secret", () => {
  const mail = { kind: "email", host: null, mqtt: null } as const;
  expect(targetWords({ ...mail, to: ["a@x.example"] })).toBe("a@x.example");
  expect(targetWords({ ...mail, to: ["a@x.example", "b@x.example", "c@x.example"] })).toBe("a@x.example and 2 more");
  expect(targetWords({ kind: "webhook", to: [], host: "hooks.example.com", mqtt: null })).toBe("hooks.example.com");
  expect(targetWords({ kind: "mqtt", to: [], host: "b:8883", mqtt: { tls: true, topic: "a/{site}", user: null } })).toBe("b:8883 · a/{site}");
});

it("calls working only what has delivered something", () => {
  const ok = { state: "ok", failing_since: null, waiting: 0, last_told_at: null } as const;
  const since = { failing_since: SINCE, waiting: 2, last_told_at: null };
  expect(channelShown(ok)).toMatchObject({ state: "unknown", word: "Not tried yet" });
  expect(channelShown({ ...ok, last_told_at: SINCE })).toMatchObject({ state: "up", word: "Working" });
  expect(channelShown({ ...since, state: "retrying" })).toEqual({ state: "degraded", word: "Retrying", since: SINCE });
  expect(channelShown({ ...since, state: "retrying", waiting: 0 }).word).toBe("Failed last");
  expect(channelShown({ ...since, state: "failing" })).toEqual({ state: "down", word: "Failing", since: SINCE });
});

it("tells waiting from retrying, and a failed test from what was given up", () => {
  const words = (state: Delivery["state"], attempts: DeliveryAttempt[], event = "alert.firing") => deliveryShown({ state, attempts, event }).word;
  expect(words("queued", [])).toBe("Queued");
  expect(words("queued", [attempt({})])).toBe("Retrying");
  expect(words("delivered", [attempt({ outcome: "delivered" })])).toBe("Delivered");
  expect(words("failed", [attempt({})])).toBe("Given up");
  expect(words("failed", [attempt({})], "test")).toBe("Failed");
  // That another channel fails is of no alert, and it is tried for a day.
  expect(words("failed", [attempt({})], "channel.failing")).toBe("Given up");
});

it("tells the cause of the last attempt, also where there was none", () => {
  expect(causeWords({ state: "queued", attempts: [attempt({ outcome: "timeout", detail: "" }), attempt({})] })).toBe("refused: answered 500");
  expect(causeWords({ state: "queued", attempts: [attempt({ outcome: "timeout", detail: "" })] })).toBe("no answer in time");
  expect(causeWords({ state: "delivered", attempts: [attempt({}), attempt({ outcome: "delivered" })] })).toBeNull();
  expect(causeWords({ state: "queued", attempts: [] })).toBeNull();
  expect(causeWords({ state: "failed", attempts: [] })).toContain("never tried");
});

it("tells how far a delivery has come, on the page of its alert", () => {
  const words = (state: Delivery["state"], ...attempts: DeliveryAttempt[]) => stateWords({ state, attempts, event: "alert.firing" });
  expect(words("queued")).toBe("Queued");
  expect(words("queued", attempt({ outcome: "timeout", detail: "" }))).toBe("Retrying, no answer in time");
  expect(words("delivered", attempt({}), attempt({ outcome: "delivered" }))).toBe("Delivered after 2 tries");
  expect(words("failed", attempt({}), attempt({ outcome: "forbidden", detail: "" }))).toBe("Given up after 2 tries, not allowed");
  expect(words("failed")).toContain("Given up, never tried");
});

it("advises by kind, cause and answer", () => {
  const advice = (kind: Parameters<typeof adviceFor>[0], outcome: string, status: number | null = null) => adviceFor(kind, { outcome, status });
  expect(advice("webhook", "delivered", 204)).toBeNull();
  expect(advice("webhook", "refused", 302)).toContain("leads to");
  expect(advice("slack", "refused", 403)).toContain("Copy the URL");
  expect(advice("webhook", "refused", 503)).toContain("its log");
  expect(advice("email", "refused", 451)).toContain("later");
  expect(advice("email", "refused", 535)).toContain("[notify.smtp]");
  expect(advice("email", "refused", 550)).toContain("address");
  expect(advice("mqtt", "refused")).toContain("publish");
  expect(advice("webhook", "forbidden")).toContain("in its file");
  expect(advice("email", "broken")).toContain("[notify.smtp]");
  expect(advice("webhook", "broken")).toContain("Edit");
  for (const outcome of ["refused", "unreachable", "timeout", "forbidden", "broken", "of later"]) {
    for (const kind of ["email", "webhook", "slack", "mqtt"] as const) expect(advice(kind, outcome)).toMatch(/\.$/);
  }
});

it("tells how long it took", () => {
  expect([84, 999, 1000, 10_004].map(tookWords)).toEqual(["in 84 ms", "in 999 ms", "in 1.00 s", "in 10.0 s"]);
});

it("keeps only a filter that there is", () => {
  expect(v.parse(logSearch, { state: "failed" })).toEqual({ state: "failed" });
  expect(v.parse(logSearch, { state: "lost" }).state).toBeUndefined();
});
