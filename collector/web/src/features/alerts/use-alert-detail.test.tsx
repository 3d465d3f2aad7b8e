import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Alert, AlertHappened } from "../../lib/types";
import { useAlertDetail } from "./use-alert-detail";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  live.reset();
});

const FIRED: AlertHappened = { at: "2026-11-22T12:00:00Z", kind: "fired", by: null, note: null, until: null };
const RESOLVED: AlertHappened = { ...FIRED, at: "2026-11-22T12:05:00Z", kind: "resolved" };
const told = (sequence: number, patch: object) => ({ sequence, type: "alerts", data: { patches: [{ id: "alt_1", ...patch }] } });

it("follows the stream in what it shows, and asks anew for what the stream does not tell", async () => {
  let history = [FIRED];
  let phase = "firing";
  vi.spyOn(live, "ensureAlerts").mockImplementation(() => {});
  const get = vi.spyOn(api, "GET").mockImplementation((async () => ({
    data: { data: { id: "alt_1", phase, severity: "critical", ack: null, silenced_until: null, history } }, response: new Response(),
  })) as never);
  live.alerts.replace([]);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result } = renderHook(() => useAlertDetail("alt_1"), { wrapper });
  await waitFor(() => expect(result.current.alert?.history).toHaveLength(1));

  // It is new to the list: the row is loaded alone, and holds no history that grows old.
  act(() => live.receive(told(1, { phase: "firing" })));
  await waitFor(() => expect(live.alerts.get("alt_1")).toBeDefined());
  expect(live.alerts.get("alt_1")).not.toHaveProperty("history");

  history = [RESOLVED, FIRED];
  phase = "resolved";
  const before = get.mock.calls.length;
  act(() => live.receive(told(2, { phase: "resolved" })));
  await waitFor(() => expect(result.current.alert?.phase).toBe("resolved"));
  await waitFor(() => expect(result.current.alert?.history.map(({ kind }) => kind)).toEqual(["resolved", "fired"]));
  expect(get.mock.calls.length).toBe(before + 1);
});

it("believes a fresh answer over a row that the stream has left behind", async () => {
  vi.spyOn(live, "ensureAlerts").mockImplementation(() => {});
  vi.spyOn(api, "GET").mockImplementation((async () => ({
    data: { data: { id: "alt_1", phase: "resolved", ack: null, silenced_until: null, history: [RESOLVED] } }, response: new Response(),
  })) as never);
  live.alerts.replace([{ id: "alt_1", phase: "firing", ack: null, silenced_until: null } as Alert]);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result } = renderHook(() => useAlertDetail("alt_1"), { wrapper });
  await waitFor(() => expect(result.current.alert?.phase).toBe("resolved"));
  expect(live.alerts.get("alt_1")).toMatchObject({ phase: "resolved" });
});

it.each([400, 404])("is not here where the server answers %i", async (status) => {
  vi.spyOn(live, "ensureAlerts").mockImplementation(() => {});
  vi.spyOn(api, "GET").mockResolvedValue({ error: {}, response: new Response(null, { status }) } as never);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const { result } = renderHook(() => useAlertDetail("no-id"), { wrapper });
  await waitFor(() => expect(result.current.isMissing).toBe(true));
});
