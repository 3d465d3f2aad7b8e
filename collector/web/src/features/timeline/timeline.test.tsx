import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Item } from "./kinds";
import { Timeline } from "./timeline";
import { useTimeline } from "./use-timeline";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const span = { from: Date.UTC(2026, 0, 1, 0), to: Date.UTC(2026, 0, 1, 10) };
const item = (hour: number, more: Partial<Item>): Item => ({
  at: new Date(span.from + hour * 3_600_000).toISOString(), kind: "reboot", severity: null, state: null, text: "Restarted", alert: null, version: null, job: null, ...more,
});
const ITEMS = [
  item(9, { kind: "config_changed", text: "Configuration changed: +1 −0 lines", version: "cfg_1" }),
  item(5.02, { kind: "alert_fired", severity: "critical", text: "core-1 is down", alert: "alt_1" }),
  item(5, {}),
  item(1, { kind: "host_key_changed", text: "Another host key was shown" }),
];

async function show(asTable = false, items: readonly Item[] = ITEMS, told: string | RegExp = "4 events", late_known = true) {
  vi.spyOn(api, "GET").mockResolvedValue({ data: { data: { items, late_known } }, response: new Response() } as never);
  function Page() {
    const happened = useTimeline({ id: "dev_1", interval_s: 60 }, { from: String(span.from), to: String(span.to) }, span);
    return <Timeline device="dev_1" span={span} happened={happened} asTable={asTable} />;
  }
  const root = createRootRoute();
  const page = createRoute({
    getParentRoute: () => root, path: "/",
    component: Page,
  });
  const version = createRoute({ getParentRoute: () => root, path: "/config/$id", component: () => <p>the version</p> });
  const router = createRouter({ routeTree: root.addChildren([page, version]), history: createMemoryHistory({ initialEntries: ["/"] }) });
  render(<QueryClientProvider client={new QueryClient()}><RouterProvider router={router as never} /></QueryClientProvider>);
  await screen.findByText(told);
}

it("makes one mark of what stands together, and arrows lead from mark to mark", async () => {
  await show();
  const marks = within(screen.getByRole("list", { name: "Events, by time" })).getAllByRole("button");
  expect(marks.map((mark) => mark.dataset["mark"])).toEqual(["host_key_changed", "many", "config_changed"]);
  expect(marks.map((mark) => mark.tabIndex)).toEqual([0, -1, -1]);
  marks[0]?.focus();
  fireEvent.keyDown(marks[0] as HTMLElement, { key: "ArrowRight" });
  expect(document.activeElement).toBe(marks[1]);
  expect(document.querySelector("[data-told]")?.textContent).toContain("core-1 is down");
  fireEvent.click(marks[1] as HTMLElement);
  expect(within(await screen.findByRole("dialog", { name: "Events" })).getAllByRole("row").map((row) => row.dataset["event"])).toEqual([undefined, undefined, "alert_fired", "reboot"]);
});

it("lists all of them, each day told once, for who asks how many there are", async () => {
  await show(false, [...ITEMS, item(0.5, { kind: "config_failed", text: "Configuration not fetched (port_closed)" })], "5 events");
  fireEvent.click(screen.getByRole("button", { name: "5 events" }));
  const list = within(await screen.findByRole("dialog", { name: "All events" }));
  expect(list.getAllByRole("row").filter((row) => row.dataset["event"])).toHaveLength(5);
  expect(list.getAllByRole("rowheader").length).toBe(new Set(ITEMS.map(({ at }) => new Date(at).getDate())).size);
  expect(list.getByText("Configuration not fetched (port closed)")).toBeTruthy();
});

it("leads from a change to the version", async () => {
  await show();
  fireEvent.click(screen.getByRole("button", { name: /^Config: Configuration changed/ }));
  await waitFor(() => expect(screen.getByText("the version")).toBeTruthy());
});

it("is a table for who asks for one", async () => {
  await show(true);
  const rows = within(screen.getByRole("table", { name: "What happened" })).getAllByRole("row");
  expect(rows.map((row) => row.dataset["event"])).toEqual([undefined, undefined, "config_changed", "alert_fired", "reboot", "host_key_changed"]);
});

it("says where there was more than it tells, and what was not looked at", async () => {
  const many = Array.from({ length: 500 }, (_, i) => item(9 - i / 100, { text: `Restart ${i}` }));
  await show(true, many, /^500 events/);
  const notes = () => document.querySelector("[data-timeline-notes]")?.textContent;
  expect(notes()).toBe("The newest events alone: there are more in this time. Choose a shorter one.");
  cleanup();
  await show(false, [], "no events", false);
  expect(notes()).toContain("not looked at");
  cleanup();
  await show(false);
  expect(notes()).toBeUndefined();
});
