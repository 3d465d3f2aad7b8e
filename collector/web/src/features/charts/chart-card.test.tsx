import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { ChartCard } from "./chart-card";
import type { ChartData } from "./chart-data";
import { type ChartRange, ChartScopeContext } from "./chart-scope";
import { PORT_CHARTS } from "./specs";

const [spec] = PORT_CHARTS;
const data: ChartData = { times: [100, 160], values: [[1, 2], [3, null]], bands: null };
const nothing = () => {};

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function card(from: number, to: number, { isLate = false, shown = data }: { isLate?: boolean; shown?: ChartData } = {}) {
  if (!spec) throw new Error("no chart");
  const range: ChartRange = {
    range: { from: String(from * 1000), to: String(to * 1000) }, span: { from: from * 1000, to: to * 1000 }, isLive: false, zone: "utc",
    compare: shown.before ? "7d" : null, set: nothing, setZone: nothing, setCompare: nothing, shift: nothing, zoomIn: nothing, zoomOut: nothing,
    zoom: nothing, reset: nothing,
  };
  const scope = { range, asTable: true, events: [], device: "dev_1", name: "core-1" };
  const root = createRootRoute({
    component: () => <ChartScopeContext value={scope}><ChartCard spec={spec} data={shown} gapS={180} of="ether1" isLate={isLate} /></ChartScopeContext>,
  });
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: ["/"] }) });
  return <RouterProvider router={router as never} />;
}

it("says that a range is empty, once that is known", async () => {
  render(card(90, 200));
  await screen.findByRole("table");
  expect(screen.queryByText("No data in this range")).toBeNull();
  cleanup();
  render(card(200, 300, { isLate: true }));
  await screen.findByRole("figure");
  expect(screen.queryByText("No data in this range")).toBeNull();
  cleanup();
  render(card(200, 300));
  expect(await screen.findByText("No data in this range")).toBeTruthy();
});

it("gives the same in the table and in the file, with what was before", async () => {
  const files: Blob[] = [];
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    files.push(blob as Blob);
    return "blob:one";
  });
  const names: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function click(this: HTMLAnchorElement) {
    names.push(this.download);
  });
  render(card(90, 200, { shown: { ...data, before: [[5, undefined], [6, 7]] } }));
  const table = await screen.findByRole("table");
  const rows = [...table.querySelectorAll<HTMLElement>("tbody tr")].map((row) => [...row.querySelectorAll<HTMLElement>("[data-value]")].map((cell) => cell.dataset["value"]));
  expect(rows).toEqual([["2", "5", "", "7"], ["1", "5", "3", "6"]]);
  fireEvent.click(screen.getByRole("button", { name: "Traffic as a CSV file" }));
  expect(names).toEqual(["core-1-ether1-Traffic-1970-01-01T00-01-30Z-1970-01-01T00-03-20Z.csv"]);
  const [head, ...lines] = ((await files[0]?.text()) ?? "").trimEnd().split("\r\n");
  expect(head).toBe('Time,In (b/s),"In, the week before (b/s)",Out (b/s),"Out, the week before (b/s)"');
  expect(lines.toReversed().map((line) => line.split(",").slice(1))).toEqual(rows);
  expect(lines[0]).toMatch(/^1970-01-01T00:01:40Z,/);
});

it("says why values are missing where they were lost, and nothing of what a device did not answer", async () => {
  render(card(90, 200, { shown: { ...data, gaps: [{ from: 120, to: 150, cause: "gap_evicted" }, { from: 150, to: 160, cause: "timeout" }] } }));
  expect(await screen.findByText("no data: the agent's buffer was full")).toBeTruthy();
  cleanup();
  render(card(155, 200, { shown: { ...data, gaps: [{ from: 120, to: 150, cause: "gap_evicted" }, { from: 150, to: 160, cause: "timeout" }] } }));
  expect(await screen.findByRole("figure")).toBeTruthy();
  expect(document.querySelector("[data-hatched]")).toBeNull();
});
