import { expect, it, vi } from "vitest";
import { Toasts, TOASTS_MAX, UNDO_MS } from "./toasts";

const texts = (toasts: Toasts) => toasts.list().map(({ text }) => text);

it("goes away when its time is over, and what failed stays", () => {
  const toasts = new Toasts();
  toasts.push({ text: "done" }, 0);
  toasts.push({ text: "failed", isBad: true }, 0);
  expect(toasts.tick(1)).toBe(6000);
  expect(toasts.tick(6000)).toBeNull();
  expect(texts(toasts)).toEqual(["failed"]);
});

it("tells of the same alerts once, the last that was done with them", () => {
  const toasts = new Toasts();
  for (const [text, about] of [["a and b acknowledged", "a b"], ["c silenced", "c"], ["a and b undone", "a b"], ["plain", ""], ["plain", ""]] as const) toasts.push({ text, about }, 0);
  expect(texts(toasts)).toEqual(["a and b undone", "plain", "plain"]);
});

it("undoes the newest that can be, once, and does then not do what waits", () => {
  const toasts = new Toasts();
  const [undo, onEnd] = [vi.fn(), vi.fn()];
  toasts.push({ text: "removed", undo, onEnd }, 0);
  toasts.push({ text: "plain" }, 0);
  toasts.undo();
  toasts.undo();
  expect(undo).toHaveBeenCalledOnce();
  toasts.tick(UNDO_MS * 2);
  expect(onEnd).not.toHaveBeenCalled();
});

it("does what waits when its time is over, when it is closed, and when the page goes", () => {
  for (const end of [(t: Toasts) => void t.tick(UNDO_MS), (t: Toasts) => t.close(1), (t: Toasts) => t.endAll()]) {
    const toasts = new Toasts();
    const onEnd = vi.fn();
    toasts.push({ text: "removed", undo: () => {}, onEnd }, 0);
    end(toasts);
    end(toasts);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(texts(toasts)).toEqual([]);
  }
});

it("keeps three: an older one makes room, and what waits for it is done", () => {
  const toasts = new Toasts();
  const onEnd = vi.fn();
  toasts.push({ text: "0", onEnd }, 0);
  for (let n = 1; n <= TOASTS_MAX; n += 1) toasts.push({ text: String(n) }, 0);
  expect(texts(toasts)).toEqual(["1", "2", "3"]);
  expect(onEnd).toHaveBeenCalledOnce();
});

it("waits while it is looked at, and then has the time that was left", () => {
  const toasts = new Toasts();
  toasts.push({ text: "done", ms: 1000 }, 0);
  toasts.hold(400);
  expect(toasts.tick(90_000)).toBeNull();
  toasts.push({ text: "more", ms: 500 }, 90_000);
  toasts.release(100_000);
  expect(toasts.tick(100_000)).toBe(100_500);
  expect(toasts.tick(100_600)).toBeNull();
  expect(texts(toasts)).toEqual([]);
});
