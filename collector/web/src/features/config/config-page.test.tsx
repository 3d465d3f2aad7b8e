import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import { ConfigPage } from "./config-page";
import type { ConfigRow } from "./types";

const ref = (id: string, name = id) => ({ id, name });
const TENANT = { ...ref("ten_1", "Alpine Fibre"), role: "viewer" as const };
const ROW: ConfigRow = {
  device: ref("dev_1", "core-1"), tenant: ref("ten_1"), site: ref("sit_1", "Depot"), platform: "ios", version: "cfg_1", first_at: null,
  last_at: "2026-01-01T00:00:00Z", lines: 10, versions: 1, failing: null, host_key_changed: false,
};
const SITES = [{ ...ref("sit_1", "Depot"), tenant: TENANT }, { ...ref("sit_2", "Summit"), tenant: TENANT }];

beforeEach(() => void vi.spyOn(live, "ensureDevices").mockImplementation(() => {}));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

async function show(at: string, rows: (query: Record<string, unknown>) => ConfigRow[]) {
  const asked: Record<string, unknown>[] = [];
  vi.spyOn(api, "GET").mockImplementation((async (path: string, { params }: { params: { query: Record<string, unknown> } }) => {
    const isList = path === "/api/v1/configs";
    if (isList) asked.push(params.query);
    return { data: { data: isList ? rows(params.query) : SITES, meta: { next_cursor: isList ? "more" : null, total: 1000 } }, response: new Response() };
  }) as never);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(meQuery.queryKey, { user: { role: "viewer", staff: false }, tenants: [] } as never);
  const root = createRootRoute();
  const app = createRoute({ getParentRoute: () => root, id: "_app", component: Outlet });
  const page = createRoute({ getParentRoute: () => app, path: "/config/", component: ConfigPage });
  const router = createRouter({ routeTree: root.addChildren([app.addChildren([page])]), history: createMemoryHistory({ initialEntries: [at] }) });
  render(
    <QueryClientProvider client={client}>
      <ScopeContext value={scopeOf([TENANT], undefined)}><RouterProvider router={router as never} /></ScopeContext>
    </QueryClientProvider>,
  );
  await waitFor(() => expect(asked).not.toHaveLength(0));
  return asked;
}

it("has the server filter: what is looked for may stand on a page that is not here", async () => {
  const asked = await show("/config?q=core&site=sit_2&failing=true", () => [ROW]);
  expect(asked[0]).toMatchObject({ q: "core", site: "sit_2", failing: true });
  await screen.findByText("core-1", { exact: false });
  // All sites can be chosen, not only those of the rows that are here.
  fireEvent.click(screen.getByRole("combobox", { name: "Site" }));
  expect(await screen.findByRole("option", { name: "Summit" })).toBeTruthy();
});

it("says that nothing fits once the server has said so, and leads back to all", async () => {
  const asked = await show("/config?failing=true", ({ failing }) => (failing ? [] : [ROW]));
  await screen.findByText("No device fits the filter");
  fireEvent.click(screen.getByRole("button", { name: "Show all devices" }));
  await waitFor(() => expect(asked.at(-1)).not.toHaveProperty("failing"));
});
