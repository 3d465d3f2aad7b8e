import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api, PAGE } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import type { Agent } from "../../lib/types";
import { AgentWeek } from "./agent-week";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const never = (at: string) => ({ id: at, summary: "", device: null, began_at: at, fired_at: null, resolved_at: at });

function open(rows: readonly object[]) {
  const get = vi.spyOn(api, "GET").mockImplementation((async (path: string) => ({
    data: { data: path === "/api/v1/alerts" ? rows : [], meta: { next_cursor: null } }, response: new Response(),
  })) as never);
  const agent = { id: "agt_1", tenant: { id: "ten_1", name: "North" } } as Agent;
  const router = createRouter({ routeTree: createRootRoute({ component: () => <AgentWeek agent={agent} /> }), history: createMemoryHistory() });
  render(<QueryClientProvider client={new QueryClient()}><RouterProvider router={router as never} /></QueryClientProvider>);
  return get;
}

it("asks for what is about the agent itself and ended in the week, not for what it polls", async () => {
  const get = open([]);
  expect(await screen.findByText("No alert of the agent itself.")).toBeTruthy();
  const calls = get.mock.calls as unknown as [string, { params: { query: Record<string, unknown> } }][];
  const query = calls.find(([path]) => path === "/api/v1/alerts")?.[1].params.query;
  expect(query).toMatchObject({ agent: "agt_1", of_agent: true, limit: PAGE });
  const days = (serverNow() - Date.parse(String(query?.["resolved_from"]))) / 86_400_000;
  expect(Math.round(days)).toBe(7);
});

it("claims no quiet week of a list that is cut", async () => {
  open(Array.from({ length: PAGE }, () => never(new Date(serverNow()).toISOString())));
  expect(await screen.findByText(/None of the last 1.000 alerts of the agent itself fired/)).toBeTruthy();
  expect(screen.queryByText("No alert of the agent itself.")).toBeNull();
});
