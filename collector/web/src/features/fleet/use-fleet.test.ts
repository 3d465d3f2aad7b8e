import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Device } from "../../lib/types";
import { useOrder } from "./use-fleet";
import { ROWS_MARK, useHeld } from "../../lib/use-held";

const fleet = (...ids: string[]) => ids.map((id) => ({ id })) as Device[];

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it("keeps the order while held, until rows come or go", () => {
  const first = fleet("a", "b");
  const { result, rerender } = renderHook(({ rows, held }) => useOrder(rows, held), {
    initialProps: { rows: first, held: false },
  });
  const second = fleet("b", "a");
  rerender({ rows: second, held: true });
  expect(result.current).toBe(first);
  rerender({ rows: second, held: false });
  expect(result.current).toBe(second);
  const third = fleet("c", "b", "a");
  rerender({ rows: third, held: true });
  expect(result.current).toBe(third);
});

it("holds while the pointer moves over the rows, and not when it lies still or has left", () => {
  const row = document.body.appendChild(document.createElement("div"));
  for (const name of Object.keys(ROWS_MARK)) row.setAttribute(name, "");
  const move = (target: Element) => target.dispatchEvent(new Event("pointermove", { bubbles: true }));
  const { result } = renderHook(() => useHeld());
  const held = () => result.current[1];
  const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));
  result.current[0].current = true;
  move(row);
  pass(1000);
  expect(held()).toBe(true);
  pass(10_000);
  expect(held()).toBe(false);
  move(row);
  pass(1000);
  expect(held()).toBe(true);
  move(document.body);
  pass(1000);
  expect(held()).toBe(false);
  row.remove();
});
