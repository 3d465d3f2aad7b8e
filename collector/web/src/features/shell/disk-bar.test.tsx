import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { meQuery } from "../../lib/session";
import type { Me } from "../../lib/types";
import { DiskBar } from "./disk-bar";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const bar = () => document.querySelector("[data-disk-bar]")?.textContent ?? null;
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

async function open(role: string, disk: () => string) {
  const get = vi.spyOn(api, "GET").mockImplementation((async () => ({ data: { data: { status: "ok", disk: disk() } }, response: new Response() })) as never);
  const queries = new QueryClient();
  queries.setQueryData(meQuery.queryKey, { user: { role }, tenants: [] } as unknown as Me);
  render(<QueryClientProvider client={queries}><DiskBar /></QueryClientProvider>);
  await pass(0);
  return get;
}

it("comes and goes with the disk, asked twice a minute", async () => {
  let disk = "ok";
  const get = await open("super_admin", () => disk);
  expect(get.mock.calls).toEqual([["/health/ready"]]);
  expect(bar()).toBeNull();
  disk = "full";
  await pass(29_000);
  expect(get).toHaveBeenCalledTimes(1);
  await pass(2_000);
  expect(bar()).toMatch(/is full\. .*agents keep what they measure.*make the disk larger/);
  disk = "ok";
  await pass(30_000);
  expect(bar()).toBeNull();
  expect(get).toHaveBeenCalledTimes(3);
});

it("neither asks nor shows it to who cannot make room", async () => {
  const get = await open("tenant_admin", () => "full");
  await pass(120_000);
  expect(bar()).toBeNull();
  expect(get).not.toHaveBeenCalled();
});
