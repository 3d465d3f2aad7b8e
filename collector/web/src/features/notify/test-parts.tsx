/** What the tests of these pages stand on. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterContextProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { api } from "../../lib/api";
import { ScopeContext, scopeOf, type Tenant } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Channel, Delivery, Route } from "./types";

export const NORTH: Tenant = { id: "ten_1", name: "North", role: "tenant_admin" };
const AT = "2026-11-22T10:00:00Z";

export function channelOf(change: Partial<Channel>): Channel {
  return {
    id: "chn_1", name: "NOC hook", tenant: { id: "ten_1", name: "North" }, kind: "webhook", enabled: true, state: "ok", failing_since: null, failing_told: false, gave_up_at: null,
    waiting: 0, to: [], host: "hooks.example.com", keys: 1, last_told_at: null, mqtt: null, created_at: AT, updated_at: AT, ...change,
  };
}

export function routeOf(change: Partial<Route>): Route {
  return {
    id: "rte_1", tenant: { id: "ten_1", name: "North" }, channel: { id: "chn_1", name: "NOC hook" }, severity: "warning", sites: [], tags: [],
    on_resolved: true, created_at: AT, ...change,
  };
}

export function deliveryOf(change: Partial<Delivery>): Delivery {
  return {
    id: "ntf_1", key: "ntf_1", channel: { id: "chn_1", name: "NOC hook" }, alert: null, event: "test", summary: "A test", state: "delivered",
    next_at: null, created_at: AT, ended_at: AT,
    attempts: [{ at: AT, took_ms: 84, outcome: "delivered", status: 204, detail: "" }], ...change,
  };
}

/** The server's lists, by path. */
export function serve(lists: Readonly<Record<string, readonly unknown[]>>) {
  return vi.spyOn(api, "GET").mockImplementation(((path: string) =>
    Promise.resolve({ data: { data: lists[path] ?? [], meta: { next_cursor: null } }, response: new Response() })) as never);
}

export function answer(data: unknown, status = 200): never {
  const response = new Response(status === 204 ? null : "", { status });
  return Promise.resolve(status < 400 ? { data: { data }, response } : { error: data, response }) as never;
}

/** As who has this role in North sees it. */
export function shown(children: ReactNode, role: "tenant_admin" | "viewer" = "tenant_admin") {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  client.setQueryData(meQuery.queryKey, { user: { id: "usr_1", role, staff: false }, tenants: [] } as never);
  // Links need a router to know where they lead.
  const router = createRouter({ routeTree: createRootRoute(), history: createMemoryHistory() });
  return render(
    <QueryClientProvider client={client}>
      <RouterContextProvider router={router as never}>
        <ScopeContext value={scopeOf([{ ...NORTH, role }], undefined)}>{children}</ScopeContext>
      </RouterContextProvider>
    </QueryClientProvider>,
  );
}
