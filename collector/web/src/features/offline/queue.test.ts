import { expect, it } from "vitest";
import { enqueued, meant, next, OLD_MS, parsed, QUEUE_MAX, type QueuedAct, settle, waitingFor, waitWords } from "./queue";

const one = (id: string, more: Partial<QueuedAct> = {}): QueuedAct => ({ id, at: 0, act: "ack", alerts: [`alr_${id}`], label: id, ...more });

it("sends in order, and asks about what is old before what is behind it", () => {
  const all = [one("a"), one("b", { at: OLD_MS })];
  expect(next(all, OLD_MS)).toEqual({ do: "send", one: all[0] });
  expect(next(all, OLD_MS + 1)).toEqual({ do: "ask", one: all[0] });
  const said = meant(all, "a");
  expect(next(said, OLD_MS + 1)?.do).toBe("send");
  expect(next(settle(said, "a", "sent"), OLD_MS + 1)).toEqual({ do: "send", one: all[1] });
  expect(next([], 0)).toBeNull();
});

it("drops what was sent or refused, and keeps what nobody answered", () => {
  const all = [one("a"), one("b")];
  expect(settle(all, "a", "refused").map(({ id }) => id)).toEqual(["b"]);
  expect(settle(all, "a", "away")).toBe(all);
});

it("is bounded", () => {
  const full = Array.from({ length: QUEUE_MAX }, (_, n) => one(String(n)));
  expect(enqueued(full, one("more"))).toBeNull();
  expect(enqueued(full.slice(1), one("more"))?.at(-1)?.id).toBe("more");
});

it("says what waits for an alert: the last", () => {
  const all = [one("a"), one("b", { alerts: ["alr_a", "alr_b"], act: "silence" })];
  expect(waitingFor(all, "alr_a")).toBe("silence");
  expect(waitingFor(all, "alr_c")).toBeNull();
  expect([waitWords(1), waitWords(2)]).toEqual(["1 action waits", "2 actions wait"]);
});

it("reads back what it wrote, and nothing else", () => {
  const all = [one("a", { note: "on it" }), one("b", { act: "silence", until: "2026-11-22T15:00:00Z" })];
  expect(parsed(JSON.stringify(all))).toEqual(all);
  for (const bad of [null, "", "{", "{}", '[{"id":1}]', JSON.stringify([{ ...one("a"), act: "delete" }])]) expect(parsed(bad)).toEqual([]);
});
