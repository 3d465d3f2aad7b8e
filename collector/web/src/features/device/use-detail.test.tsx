import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Device, DeviceDetail } from "../../lib/types";
import { useDetail } from "./use-detail";

let answers: (Partial<DeviceDetail> | number)[] = [];

beforeEach(() => {
  vi.spyOn(api, "GET").mockImplementation((async () => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 500;
    if (typeof answer === "number") {
      return { error: { detail: "no" }, response: new Response(null, { status: answer }) };
    }
    return { data: { data: answer }, response: new Response() };
  }) as unknown as typeof api.GET);
});
afterEach(() => {
  cleanup();
  live.reset();
});

function open() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(() => useDetail("d"), { wrapper }).result;
}
const event = (sequence: number, patches: Partial<Device>[], removed: string[] = []) => ({
  sequence, type: "devices", data: { patches, removed },
});

it("looks again at new facts and on resync, and keeps the page when that fails", async () => {
  answers = [{ id: "d", sys_name: null }, { id: "d", sys_name: "core" }, 500];
  const page = open();
  await waitFor(() => expect(page.current.row).toBeDefined());
  act(() => live.receive(event(1, [{ id: "d", sys_name: "core" }])));
  await waitFor(() => expect(page.current.detail?.sys_name).toBe("core"));
  act(() => live.receive({ sequence: 2, type: "resync", data: {} }));
  await waitFor(() => expect(api.GET).toHaveBeenCalledTimes(3));
  expect(page.current.detail?.sys_name).toBe("core");
  expect(page.current.error).toBeNull();
});

it.each([
  { address: "192.0.2.2" },
  { agent: { id: "agt_2", name: "box-2" } },
  { snmp_poll: { state: "down", cause: "timeout", rtt_ms: null, at: "2026-11-21T12:00:00Z", answered_at: null, holds: false } },
] as const)("looks again when the device is asked in another way: %o", async (patch) => {
  answers = [{ id: "d" }, { id: "d", ...patch, facts: { answers_from: null } } as unknown as Partial<DeviceDetail>];
  const page = open();
  await waitFor(() => expect(page.current.row).toBeDefined());
  act(() => live.receive(event(1, [{ id: "d", ...patch }])));
  await waitFor(() => expect(page.current.detail?.facts).toBeDefined());
});

it("says that the device was removed", async () => {
  answers = [{ id: "d" }];
  const page = open();
  await waitFor(() => expect(page.current.row).toBeDefined());
  expect(page.current.isRemoved).toBe(false);
  act(() => live.receive(event(1, [], ["d"])));
  await waitFor(() => expect(page.current.isRemoved).toBe(true));
});

it("keeps the failure in sight while it tries again", async () => {
  answers = [500, { id: "d" }];
  const page = open();
  await waitFor(() => expect(page.current.error).not.toBeNull());
  act(() => page.current.retry());
  expect(page.current.error).not.toBeNull();
  await waitFor(() => expect(page.current.detail).toBeDefined());
  expect(page.current.error).toBeNull();
});
