import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { live } from "../../lib/live-app";
import type { Agent, Device } from "../../lib/types";
import type { TailPoint } from "./chart-data";
import { jumpAt, useReload } from "./use-reload";

const point = (t: number): TailPoint => ({ t, charts: {} });

beforeEach(() => {
  vi.useFakeTimers();
  live.devices.put({ id: "d", interval_s: 10, agent: { id: "a", name: "A" } } as Device);
});
afterEach(() => {
  cleanup();
  live.reset();
  vi.useRealTimers();
});

function watch(...times: number[]) {
  const reload = vi.fn<() => void>();
  const hook = renderHook(({ tail }) => useReload("d", tail, 0, reload), {
    initialProps: { tail: times.map(point) },
  });
  return { reload, grow: (...next: number[]) => hook.rerender({ tail: next.map(point) }) };
}

it("finds a jump in the tail", () => {
  expect(jumpAt([], 30)).toBeNull();
  expect(jumpAt([point(1)], 30)).toBeNull();
  expect(jumpAt([point(1), point(31)], 30)).toBeNull();
  expect(jumpAt([point(1), point(32)], 30)).toBe(32);
});

it("loads once for each jump, and when the page is seen again", () => {
  const { reload, grow } = watch(1, 11);
  expect(reload).not.toHaveBeenCalled();
  grow(1, 11, 50);
  grow(1, 11, 50);
  expect(reload).toHaveBeenCalledTimes(1);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(reload).toHaveBeenCalledTimes(2);
});

it("loads when the agent has sent what it kept", () => {
  const agent = (oldestAgoS: number | null) => {
    const oldest_at = oldestAgoS === null ? null : new Date(Date.now() - oldestAgoS * 1000).toISOString();
    live.agents.put({ id: "a", buffer: { batches: 1, bytes: 1, oldest_at } } as Agent);
  };
  agent(600);
  const { reload } = watch(1);
  agent(5);
  act(() => vi.advanceTimersByTime(1000));
  expect(reload).toHaveBeenCalledTimes(1);
});
