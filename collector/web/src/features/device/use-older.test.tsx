import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { SeriesSet } from "../../lib/types";
import { useOlder } from "./use-older";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const BORN = NOW - 300_000;

afterEach(cleanup);

function open(points: SeriesSet["series"][number]["points"], isOff = false) {
  const data = { data: { series: [{ object: "", metric: "snmp_up", points }] } };
  vi.spyOn(api, "GET").mockImplementation((async () => ({ data, response: new Response() })) as unknown as typeof api.GET);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  return { client, hook: renderHook(() => useOlder("d", BORN, NOW, isOff), { wrapper }).result };
}
const told = async (client: QueryClient) => waitFor(() => expect(client.getQueryData(["older", "d"])).toBeDefined());

it("finds samples from before a device was added, in the usual range", async () => {
  const { client, hook } = open([[BORN - 600_000, 1, 1, 1]]);
  await told(client);
  expect(hook.current).toBe(true);
  expect(vi.mocked(api.GET).mock.calls[0]?.[1]).toMatchObject({ params: { query: { from: "2026-11-22T11:00:00.000Z", to: "2026-11-22T11:54:00.000Z" } } });
});

it("takes a gap for no sample, and asks nothing where nobody wants to know", async () => {
  const { client, hook } = open([[BORN - 600_000, null, null, null, "gap"]]);
  await told(client);
  expect(hook.current).toBe(false);
  vi.mocked(api.GET).mockClear();
  expect(open([], true).hook.current).toBe(false);
  expect(api.GET).not.toHaveBeenCalled();
});
