import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { forgetPlaces } from "../../lib/last-place";
import { live } from "../../lib/live-app";
import type { Role } from "../../lib/role";
import { ScopeContext, scopeOf, type Tenant } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Alert } from "../../lib/types";
import { toasts } from "../../lib/toasts";
import { VIEWS } from "../../lib/use-views";
import { ROWS_MARK } from "../../lib/use-held";
import { ToastRegion } from "../../ui/toast-region";
import { InboxPage } from "./inbox-page";

const ref = (id: string, name = id) => ({ id, name });
const TENANT = ref("ten_1", "Alpine Fibre");
const SOUTH = ref("ten_2", "South");
const AT = new Date(Date.now() - 600_000).toISOString();
const alert = (id: string, severity: string, more: Partial<Alert> = {}): Alert => ({
  id, tenant: TENANT, rule: ref(`rul_${id}`, `Rule ${id}`), severity, site: ref("sit_1", "Depot"), agent: ref("agt_1", "box-1"),
  device: ref("dev_1", "edge-1"), object: "", object_name: null, phase: "firing", unknown: false, cause: null, summary: `edge-1: ${id} is wrong`, state: null, value: null, unit: null,
  began_at: AT, fired_at: AT, last_at: AT, well_at: null, resolved_at: null, ack: null, silenced_until: null, ...more,
});

beforeEach(() => {
  for (const name of ["ensureAlerts", "ensureDevices", "ensureAgents"] as const) vi.spyOn(live, name).mockImplementation(() => {});
  // The rows are virtual: the list needs a height to show any.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(900);
});
afterEach(() => {
  cleanup();
  forgetPlaces();
  toasts.endAll();
  vi.restoreAllMocks();
});

/** The inbox at its address, as somebody with this role sees it. */
async function show(role: Role, alerts: readonly Alert[], { tenants = [{ ...TENANT, role }], at = "/alerts" }: { tenants?: Tenant[]; at?: string } = {}) {
  live.alerts.replace(alerts);
  return open(role, tenants, at, () => screen.findByRole("grid", { name: "Alerts" }));
}

/** The page, and the place where it tells what was done. */
const Frame = () => <><Outlet /><ToastRegion /></>;

async function open(role: Role, tenants: Tenant[], at: string, settled: () => Promise<unknown>) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  queries.setQueryData(meQuery.queryKey, { user: { id: "usr_1", role, staff: false }, tenants } as never);
  queries.setQueryData(VIEWS, []);
  const root = createRootRoute();
  const app = createRoute({ getParentRoute: () => root, id: "_app", component: Frame });
  const inbox = createRoute({ getParentRoute: () => app, path: "/alerts/", component: InboxPage });
  const page = createRoute({ getParentRoute: () => app, path: "/alerts/$id", component: () => <h1>its page</h1> });
  const router = createRouter({
    routeTree: root.addChildren([app.addChildren([inbox, page])]), history: createMemoryHistory({ initialEntries: [at] }),
  });
  render(
    <QueryClientProvider client={queries}>
      <ScopeContext value={scopeOf(tenants, undefined)}>
        <RouterProvider router={router as never} />
      </ScopeContext>
    </QueryClientProvider>,
  );
  await settled();
  return router;
}

const press = async (...keys: string[]) => {
  // oxlint-disable-next-line no-await-in-loop -- one key after the other
  for (const key of keys) await act(async () => fireEvent.keyDown(document.activeElement ?? document.body, { key }));
};
const shown = () => [...document.querySelectorAll("[role=row][data-alert]")].map((row) => row.getAttribute("data-alert"));
const chosen = () => document.querySelector("[role=row][data-chosen]")?.getAttribute("data-alert");

it("is moved through by j and k, the worst first, and Enter opens beside the list", async () => {
  vi.spyOn(api, "GET").mockResolvedValue({ error: {}, response: new Response(null, { status: 500 }) } as never);
  const router = await show("operator", [alert("w", "warning"), alert("c", "critical"), alert("i", "info")]);
  expect(shown()).toEqual(["c", "w", "i"]);
  await press("j", "j", "k");
  expect(chosen()).toBe("c");
  await press("Enter");
  await waitFor(() => expect(router.state.location.search).toEqual({ open: "c" }));
  await press("j");
  await waitFor(() => expect(router.state.location.search).toEqual({ open: "w" }));
  await press("Escape");
  await waitFor(() => expect(router.state.location.search).toEqual({}));
});

it("acknowledges what is marked with a note, by keys alone", async () => {
  const answer = { data: { data: { alerts: [{ id: "c", outcome: "done" }, { id: "w", outcome: "resolved" }] } }, response: new Response() };
  const post = vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await show("operator", [alert("w", "warning"), alert("c", "critical"), alert("i", "info")]);
  await press("j", "x", "j", "x");
  expect(screen.getByRole("toolbar", { name: "Marked alerts" }).textContent).toContain("2 alerts marked");
  await press("a");
  const note = await screen.findByLabelText("Note");
  expect(document.activeElement).toBe(note);
  // The dialog has the keys now.
  await press("x");
  fireEvent.change(note, { target: { value: "on my way" } });
  fireEvent.submit(note.closest("form") as HTMLFormElement);
  await screen.findByText("1 alert acknowledged. 1 was over already. Left as it was: edge-1: w is wrong.");
  expect(post).toHaveBeenCalledExactlyOnceWith("/api/v1/alerts/bulk", { body: { ids: ["c", "w"], act: "ack", note: "on my way" } });
});

it("undoes the silence of the chosen row with u", async () => {
  const answer = { data: { data: { alerts: [{ id: "c", outcome: "done" }] } }, response: new Response() };
  const post = vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await show("operator", [alert("c", "critical", { silenced_until: new Date(Date.now() + 3_600_000).toISOString() })]);
  expect(document.querySelector("[data-row-standing=silenced]")).not.toBeNull();
  await press("j", "u");
  await waitFor(() => expect(post).toHaveBeenCalledWith("/api/v1/alerts/bulk", { body: { ids: ["c"], act: "unsilence" } }));
});

it("lets who only looks mark nothing and change nothing", async () => {
  const post = vi.spyOn(api, "POST");
  await show("viewer", [alert("c", "critical", { ack: { at: AT, by: "noc@farwatch.example", note: null } })]);
  await press("j", "x", " ", "a", "s", "u");
  expect(screen.queryByRole("checkbox")).toBeNull();
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(post).not.toHaveBeenCalled();
});

it("acts only in tenants where this person may, and says what is left out", async () => {
  const answer = { data: { data: { alerts: [{ id: "n", outcome: "done" }] } }, response: new Response() };
  const post = vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await show("operator", [alert("n", "critical"), alert("s", "warning", { tenant: SOUTH })], {
    tenants: [{ ...TENANT, role: "operator" }, { ...SOUTH, role: "viewer" }],
  });
  expect(screen.getAllByRole("checkbox")).toHaveLength(1);
  // The row of South: nothing comes of its keys.
  await press("j", "j", "a", "x");
  expect(chosen()).toBe("s");
  expect(screen.queryByRole("dialog")).toBeNull();
  await press("k", " ");
  expect(screen.getByRole("toolbar", { name: "Marked alerts" }).textContent).toContain("1 alert marked");
  await press("a");
  fireEvent.submit((await screen.findByLabelText("Note")).closest("form") as HTMLFormElement);
  await waitFor(() => expect(post).toHaveBeenCalledExactlyOnceWith("/api/v1/alerts/bulk", { body: { ids: ["n"], act: "ack" } }));
});

it("marks with Space, and tells what is marked apart from where the keys are", async () => {
  await show("operator", [alert("w", "warning"), alert("c", "critical")]);
  await press("j", " ", "j");
  const selected = () => [...document.querySelectorAll("[role=row][aria-selected=true]")].map((row) => row.getAttribute("data-alert"));
  expect(selected()).toEqual(["c"]);
  expect(chosen()).toBe("w");
  expect(screen.getByRole("grid").getAttribute("aria-multiselectable")).toBe("true");
});

it("offers no way back from another note: it would take away the acknowledgement too", async () => {
  const answer = { data: { data: { alerts: [{ id: "c", outcome: "done" }] } }, response: new Response() };
  vi.spyOn(api, "POST").mockResolvedValue(answer as never);
  await show("operator", [alert("c", "critical", { ack: { at: AT, by: "anna@farwatch.example", note: "cable" } })]);
  await press("j", "a");
  const note = await screen.findByLabelText<HTMLInputElement>("Note");
  expect(note.value).toBe("cable");
  expect(screen.getByRole("dialog").textContent).toContain("Change the note");
  fireEvent.change(note, { target: { value: "fibre" } });
  fireEvent.submit(note.closest("form") as HTMLFormElement);
  const news = await screen.findByText("1 alert acknowledged.");
  expect(news.parentElement?.textContent).not.toContain("Undo");
});

it("says nothing of alerts that could not be loaded but that", async () => {
  vi.spyOn(api, "GET").mockResolvedValue({ data: { data: [], meta: { next_cursor: null } }, response: new Response() } as never);
  live.alerts.replace([]);
  live.alerts.setPhase("failed", new Error("The server answered 503."));
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts", () => screen.findByText("The server answered 503."));
  expect(screen.queryByText("Nothing is wrong")).toBeNull();
  act(() => live.alerts.setPhase("loading", new Error("The server answered 503.")));
  expect(screen.queryByText("Nothing is wrong")).toBeNull();
  act(() => live.alerts.replace([]));
  // It is loaded, and nobody looks for anything: that is said then.
  expect(await screen.findByText("No rule is on")).toBeTruthy();
});

it("tells of devices that are not up where no alert is open, and leads to them", async () => {
  const rules = { data: { data: [{ id: "rul_1", enabled: true }], meta: { next_cursor: null } }, response: new Response() };
  vi.spyOn(api, "GET").mockResolvedValue(rules as never);
  const device = (id: string, state: string) => ({
    id, name: id, state, cause: null, last_sample_at: new Date().toISOString(), interval_s: 60, tenant: TENANT, site: ref("sit_1", "Depot"), address: id,
  });
  live.alerts.replace([]);
  live.devices.replace([device("a", "up"), device("b", "degraded"), device("c", "unknown"), device("d", "degraded")] as never);
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts", () => screen.findByText("No alert is open"));
  expect(screen.queryByText("Nothing is wrong")).toBeNull();
  const links = [...document.querySelectorAll("[data-troubled] a")].map((link) => [link.textContent, link.getAttribute("href")]);
  expect(links).toEqual([["2 devices are degraded", "/fleet?state=degraded"], ["1 is unknown", "/fleet?state=unknown"]]);
  act(() => live.devices.replace([device("a", "up")] as never));
  expect(await screen.findByText("Nothing is wrong")).toBeTruthy();
  act(() => live.devices.replace([]));
  expect(await screen.findByText("Nothing is watched yet")).toBeTruthy();
  expect(screen.getByText("Set up a site").getAttribute("href")).toBe("/setup");
});

it("speaks of no devices before they are loaded", async () => {
  const rules = { data: { data: [{ id: "rul_1", enabled: true }], meta: { next_cursor: null } }, response: new Response() };
  vi.spyOn(api, "GET").mockResolvedValue(rules as never);
  live.alerts.replace([]);
  live.devices.replace([]);
  live.devices.setPhase("loading");
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts", () => screen.findByText(/^1 rule looks at what the agents tell, and finds nothing/));
  expect(screen.getByText("No alert is open")).toBeTruthy();
});

it("opens beside the list by a click on the words too, and its page by a click on the row that is open", async () => {
  vi.spyOn(api, "GET").mockResolvedValue({ error: {}, response: new Response(null, { status: 500 }) } as never);
  const router = await show("operator", [alert("c", "critical")]);
  fireEvent.click(screen.getByRole("link", { name: "edge-1: c is wrong" }));
  await waitFor(() => expect(router.state.location.search).toEqual({ open: "c" }));
  fireEvent.click(document.querySelector("[role=row][data-alert=c]") as HTMLElement);
  await screen.findByText("its page");
});

it("keeps no loud severity of what is over, and says since when and how long it was", async () => {
  const over = { phase: "resolved", began_at: "2026-11-22T11:53:59Z", resolved_at: "2026-11-22T11:56:56Z" } as const;
  vi.spyOn(api, "GET").mockResolvedValue({ data: { data: [alert("c", "critical", over)], meta: { next_cursor: null, total: 1 } }, response: new Response() } as never);
  live.alerts.replace([]);
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts?state=resolved", () => screen.findByRole("grid", { name: "Alerts" }));
  expect(screen.getByRole("columnheader", { name: "Over since" })).toBeTruthy();
  const row = document.querySelector("[role=row][data-alert=c]");
  expect(row?.textContent).toContain("Resolvedafter 2 min 57 s");
  expect(row?.querySelector("[data-severity=critical][data-over]")?.textContent).toBe("Critical");
});

it("says nothing of what is over where that could not be loaded", async () => {
  vi.spyOn(api, "GET").mockResolvedValue({ error: { detail: "Not now." }, response: new Response(null, { status: 503 }) } as never);
  live.alerts.replace([]);
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts?state=resolved", () => screen.findByText("Not now."));
  expect(screen.queryByText("Nothing was ever wrong")).toBeNull();
});

it("shows the alerts of one rule alone, however much is called so", async () => {
  const router = await show("operator", [alert("a", "critical"), alert("b", "critical", { rule: ref("rul_b", "Rule a") })], { at: "/alerts?rule=rul_a" });
  expect(shown()).toEqual(["a"]);
  fireEvent.click(screen.getByTitle("Show the alerts of everything"));
  await waitFor(() => expect(shown()).toHaveLength(2));
  expect(router.state.location.search).toEqual({});
});

it("narrows by severity, and says what the other choices would show", async () => {
  await show("operator", [alert("w", "warning"), alert("c", "critical"), alert("p", "critical", { phase: "pending", fired_at: null })]);
  fireEvent.click(screen.getByTitle("Show only critical"));
  await waitFor(() => expect(shown()).toEqual(["c", "p"]));
  expect(document.querySelector("[data-standing-filter=pending]")?.textContent).toBe("Pending1");
  expect(document.querySelector("[data-severity-tab=all]")?.textContent).toBe("All3");
});

it("marks the list on a phone as one that holds: the finger that comes to a card does not let go of it", async () => {
  vi.spyOn(globalThis, "matchMedia").mockReturnValue({ matches: true, addEventListener: () => {}, removeEventListener: () => {} } as never);
  live.alerts.replace([alert("c", "critical")]);
  await open("operator", [{ ...TENANT, role: "operator" }], "/alerts", () => screen.findByRole("list", { name: "Alerts" }));
  for (const name of Object.keys(ROWS_MARK)) expect(document.querySelector("[data-alert=c]")?.closest(`[${name}]`)).not.toBeNull();
});
