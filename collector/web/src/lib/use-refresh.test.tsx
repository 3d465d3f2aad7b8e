import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useRefresh } from "./use-refresh";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

// A filter that is not set is part of the key.
const KEY = ["jobs", undefined, "dev_1"];

function asked(keys: readonly (readonly unknown[])[]) {
  const answer = vi.fn(async () => 1);
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  renderHook(() => {
    useQuery({ queryKey: KEY, queryFn: answer });
    useRefresh(keys, 1000);
  }, { wrapper });
  return { answer, pass: (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms)) };
}

it("asks again while somebody looks, whatever the key is made of", async () => {
  const { answer, pass } = asked([KEY]);
  await pass(500);
  expect(answer).toHaveBeenCalledTimes(1);
  await pass(1000);
  expect(answer).toHaveBeenCalledTimes(2);
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  await pass(5000);
  expect(answer).toHaveBeenCalledTimes(2);
});

it("asks nothing where there is nothing to ask", async () => {
  const { answer, pass } = asked([]);
  await pass(5000);
  expect(answer).toHaveBeenCalledTimes(1);
});
