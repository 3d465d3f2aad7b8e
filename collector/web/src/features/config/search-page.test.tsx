import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { SearchPage } from "./search-page";

beforeEach(() => void vi.spyOn(live, "ensureDevices").mockImplementation(() => {}));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ref = (id: string, name = id) => ({ id, name });
const found = (n: number) => ({
  device: ref(`dev_${n}`, `core-${n}`), site: ref("sit_1", "Depot"), tenant: ref("ten_1", "Alpine Fibre"), version: "cfg_1", more: 0,
  last_at: new Date(Date.now() - 7_200_000).toISOString(), matches: [{ line: 1, text: "ntp server 192.0.2.1", ranges: [[0, 3]], before: [], after: [] }],
});

async function show(told: string | RegExp) {
  const root = createRootRoute();
  const app = createRoute({ getParentRoute: () => root, id: "_app", component: Outlet });
  const page = createRoute({ getParentRoute: () => app, path: "/config/search", component: SearchPage });
  const router = createRouter({ routeTree: root.addChildren([app.addChildren([page])]), history: createMemoryHistory({ initialEntries: ["/config/search?q=ntp"] }) });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <ScopeContext value={scopeOf([ref("ten_1", "Alpine Fibre")], undefined)}><RouterProvider router={router as never} /></ScopeContext>
    </QueryClientProvider>,
  );
  await screen.findByText(told);
}

it("marks what was found, says how new it is, and which devices were left out and why", async () => {
  const left = (n: number, why: string) => ({ ...found(n), why });
  const meta = { next_cursor: null, scanned: 3, skipped: [left(2, "too_slow"), left(3, "damaged")] };
  vi.spyOn(api, "GET").mockResolvedValue({ data: { data: [found(1)], meta }, response: new Response() } as never);
  await show("core-1");
  expect(document.querySelector("[data-found] mark")?.textContent).toBe("ntp");
  expect(document.querySelector("[data-found-at]")?.textContent).toBe("fetched 2 h ago");
  expect(document.querySelector("[data-found-count]")?.textContent).toContain("3 configurations looked through: the latest of each device");
  expect(document.querySelector("[data-skipped=too_slow]")?.textContent).toMatch(/^1 device left out: core-2\. The expression takes too long/);
  expect(document.querySelector("[data-skipped=damaged]")?.textContent).toContain("core-3");
});

it("keeps what was found where the search fails further on, and goes on from there", async () => {
  let fails = true;
  const asked: unknown[] = [];
  vi.spyOn(api, "GET").mockImplementation((async (_: string, { params }: { params: { query: { cursor?: string } } }) => {
    const { cursor } = params.query;
    asked.push(cursor);
    if (cursor && fails) return { error: { detail: "Four searches run already." }, response: new Response(null, { status: 503 }) };
    const meta = { next_cursor: cursor ? null : "further", scanned: 50, skipped: [] };
    return { data: { data: [found(cursor ? 2 : 1)], meta }, response: new Response() };
  }) as never);
  await show("Four searches run already.");
  expect(document.querySelectorAll("[data-found]")).toHaveLength(1);
  fails = false;
  fireEvent.click(screen.getByRole("button", { name: "Search on" }));
  await waitFor(() => expect(document.querySelectorAll("[data-found]")).toHaveLength(2));
  expect(asked).toEqual([undefined, "further", "further"]);
});

it("does not say that it found nothing where there was nothing to look through", async () => {
  const answer = (skipped: readonly object[]) => ({ data: { data: [], meta: { next_cursor: null, scanned: 0, skipped } }, response: new Response() });
  const get = vi.spyOn(api, "GET").mockResolvedValue(answer([]) as never);
  await show("No configuration yet");
  expect(document.querySelector("[data-found-count]")).toBeNull();
  cleanup();
  get.mockResolvedValue(answer([{ ...found(2), why: "too_slow" }]) as never);
  await show("No configuration could be looked through.");
  expect(document.querySelector("[data-skipped=too_slow]")?.textContent).toContain("core-2");
});

it("tells nothing of what it found in no device before it has looked through all", async () => {
  let told = () => {};
  const rest = new Promise<void>((resolve) => {
    told = resolve;
  });
  vi.spyOn(api, "GET").mockImplementation((async (_: string, { params }: { params: { query: { cursor?: string } } }) => {
    const isFirst = !params.query.cursor;
    if (!isFirst) await rest;
    return { data: { data: [], meta: { next_cursor: isFirst ? "further" : null, scanned: isFirst ? 0 : 7, skipped: [] } }, response: new Response() };
  }) as never);
  const shown = show(/^Found in no device, 7 configurations looked through/);
  await waitFor(() => expect(api.GET).toHaveBeenCalledTimes(2));
  expect(document.querySelector("[data-found-count]")).toBeNull();
  expect(screen.queryByText("No configuration yet")).toBeNull();
  told();
  await shown;
});

it("shows what is wrong with an expression, with the caret below it", async () => {
  const message = "regex parse error:\n    (ntp\n    ^\nerror: unclosed group";
  const error = { code: "invalid", detail: "Some fields cannot be accepted; `errors` says which and why.", errors: [{ field: "q", message }] };
  vi.spyOn(api, "GET").mockResolvedValue({ error, response: new Response(null, { status: 422 }) } as never);
  await show(/unclosed group/);
  expect(screen.getByRole("alert").querySelector("pre")?.textContent).toBe(message);
  expect(screen.queryByText(/says which/)).toBeNull();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});
