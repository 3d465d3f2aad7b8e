import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Agent } from "../../lib/types";
import { FleetEmpty } from "./fleet-empty";

it("leads to the set-up, and from the first agent on to its scan, a single device and a table", async () => {
  live.agents.replace([]);
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(meQuery.queryKey, { user: { role: "operator" }, tenants: [] } as never);
  const root = createRootRoute({
    component: () => (
      <ScopeContext value={scopeOf([{ id: "ten_1", name: "North", role: "operator" }], undefined)}><FleetEmpty onAdd={() => {}} /></ScopeContext>
    ),
  });
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={createRouter({ routeTree: root, history: createMemoryHistory() }) as never} />
    </QueryClientProvider>,
  );
  expect((await screen.findByRole("link", { name: "Set up a site" })).getAttribute("href")).toBe("/setup");
  act(() => live.agents.replace([{ id: "agt_1", name: "box-1" } as Agent]));
  expect(screen.getByRole("link", { name: "Scan a network" })).toBeTruthy();
  expect(screen.getByRole("button", { name: "Add one device" })).toBeTruthy();
  expect(screen.getByRole("link", { name: "Import a table" }).getAttribute("href")).toBe("/fleet/import");
});
