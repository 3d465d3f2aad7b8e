import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterContextProvider } from "@tanstack/react-router";
import { cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Alert, AlertDetail, Delivery } from "../../lib/types";
import { AboutPart, ToldPart, WhyPart } from "./alert-parts";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function shown(children: ReactNode, data: readonly unknown[] = []) {
  const get = vi.spyOn(api, "GET").mockImplementation((async () => ({ data: { data }, response: new Response() })) as never);
  const router = createRouter({ routeTree: createRootRoute(), history: createMemoryHistory() });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterContextProvider router={router as never}>{children}</RouterContextProvider>
    </QueryClientProvider>,
  );
  return get;
}

const AT = "2026-11-22T12:00:00Z";
const refused = { at: AT, took_ms: 9, outcome: "forbidden", status: null, detail: "" };
const ALERT = { id: "alt_1", phase: "resolved", ack: null, silenced_until: null, severity: "critical", began_at: "2026-11-22T12:00:00Z", fired_at: "2026-11-22T12:00:00Z" } as Alert;

const delivery = (id: string, more: Partial<Delivery>): Delivery => ({
  id, key: id, channel: { id: "chn_1", name: "Pager" }, alert: "alt_1", event: "alert.firing", summary: "", state: "queued", next_at: null,
  created_at: AT, ended_at: null, attempts: [], ...more,
});

it("leads to the channel that was told, and says how far it came in the words of its log", async () => {
  shown(<ToldPart alert={ALERT} />, [delivery("a", {}), delivery("b", { state: "failed", attempts: [refused, refused] }), delivery("c", { state: "failed" })]);
  const links = await screen.findAllByRole("link", { name: "Pager" });
  expect(links[0]?.getAttribute("href")).toBe("/settings/notifications/chn_1");
  const told = screen.getAllByRole("listitem").map((line) => line.textContent);
  expect(told[0]).toContain("Pager Firing: Queued");
  expect(told[0]).toMatch(/\d\d:\d\d:\d\dPager/);
  expect(told[1]).toContain("Given up after 2 tries, not allowed");
  expect(told[2]).toContain("never tried");
});

it("looks again while one is on its way, and no more once all have come", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  try {
    const get = shown(<ToldPart alert={ALERT} />, [delivery("a", {})]);
    await vi.advanceTimersByTimeAsync(100);
    expect(get).toHaveBeenCalledTimes(1);
    get.mockImplementation((async () => ({ data: { data: [delivery("a", { state: "delivered" })] }, response: new Response() })) as never);
    await vi.advanceTimersByTimeAsync(6000);
    expect(get).toHaveBeenCalledTimes(2);
    expect(screen.getByText("Delivered")).toBeTruthy();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(get).toHaveBeenCalledTimes(2);
  } finally {
    vi.useRealTimers();
  }
});

const detail = (condition: object, samples: object[], unit: string | null) => ({
  id: "alt_1", tenant: { id: "ten_1", name: "North" }, rule: { id: "rul_1", name: "R" }, unit, state: null, began_at: AT, fired_at: AT, resolved_at: null,
  evidence: { condition, samples, scope: { sites: [], tags: [], kinds: [] }, for_s: 0, resolve_after_s: 0, from: AT, to: AT },
}) as unknown as AlertDetail;

const STATES = { kind: "device_state", states: ["down", "degraded"] };
const reading = (state: string | null, cause: string | null = null) => ({ at: AT, value: null, state, cause });

it("shows no bare times of what is told without a state, and else each state with its cause", () => {
  shown(<WhyPart alert={detail(STATES, [reading(null)], null)} />);
  expect(screen.getByText(/^1 reading looked at as of .+\.$/)).toBeTruthy();
  expect(screen.queryByRole("table")).toBeNull();
  cleanup();
  shown(<WhyPart alert={detail(STATES, [reading("degraded", "packet_loss"), { ...reading("up"), at: "2026-11-22T12:01:00Z" }], null)} />);
  const rows = screen.getAllByRole("row").map((row) => row.textContent);
  expect(rows[1]).toContain("Upafter it fired");
  expect(rows[2]).toContain("Degradedpacket loss");
});

it("says first how it was last, why, and what to do about that while it lasts", () => {
  const alert = { ...detail(STATES, [reading("degraded", "timeout")], null), state: { state: "degraded", cause: "timeout" } };
  shown(<WhyPart alert={alert} />);
  const told = document.querySelector("[data-last-wrong=degraded]")?.textContent;
  expect(told).toMatch(/^At .*\d\d:\d\d:\d\d it was degraded: no answer\. The device did not answer\./);
  cleanup();
  shown(<WhyPart alert={{ ...alert, fired_at: "2026-11-22T11:59:00Z" }} />);
  expect(document.querySelector("[data-last-wrong=degraded]")?.textContent).toMatch(/^Last: at .*\d\d:\d\d:\d\d it was degraded: no answer\./);
  cleanup();
  shown(<WhyPart alert={{ ...alert, phase: "resolved" }} />);
  expect(document.querySelector("[data-last-wrong]")?.textContent).toMatch(/no answer\.$/);
  cleanup();
  shown(<WhyPart alert={detail(STATES, [reading(null)], null)} />);
  expect(document.querySelector("[data-last-wrong]")).toBeNull();
});

it("says why a configuration is not fetched, and what to do about that", () => {
  const failed = { kind: "metric", name: "config_fetch_failed", object: "*", is: "above", limit: 1, clear: 0.5 };
  const sample = (value: number, cause: string | null, at = AT) => ({ at, value, state: null, cause });
  shown(<WhyPart alert={detail(failed, [sample(1, "port_closed"), sample(1, "login", "2026-11-22T12:01:00Z")], "flag")} />);
  const last = () => document.querySelector("[data-last-wrong=value]")?.textContent;
  expect(last()).toMatch(/^Last: at .*, login refused\. Check the user, its password or its key\.$/);
  expect(screen.getAllByRole("row").map((row) => row.textContent)[2]).toContain("yes, port closed");
  cleanup();
  shown(<WhyPart alert={detail(failed, [sample(1, "protocol")], "flag")} />);
  expect(last()).toMatch(/: SSH failed\. Try ssh by hand/);
  cleanup();
  // Polling has words of its own, and SNMP alone: the device is there.
  shown(<WhyPart alert={detail({ ...failed, name: "snmp_failed" }, [sample(1, "timeout")], "flag")} />);
  expect(last()).toMatch(/: no answer\. SNMP alone did not answer\. Check the credential/);
  expect(last()).not.toContain("address");
});

it("tells of a flag that it is so, and draws no chart of one against one", () => {
  const flag = { kind: "metric", name: "ssh_host_key_changed", object: "*", is: "above", limit: 1, clear: 0.5 };
  shown(<WhyPart alert={detail(flag, [{ at: AT, value: 1, state: null, cause: "wrong_auth" }], "flag")} />);
  expect(screen.getByRole("table", { name: "Readings" }).textContent).toContain("yes, wrong authentication");
  expect(document.querySelector("[data-last-wrong=value]")?.textContent).toMatch(/: wrong authentication\./);
  expect(document.querySelector("[data-evidence-chart]")).toBeNull();
});

it("counts no more time as wrong than it was, and says since when it is well", () => {
  const about = {
    ...detail(STATES, [], null), device: null, agent: { id: "agt_1", name: "vm" }, site: { id: "sit_1", name: "Depot" }, value: null, object: "", ack: null,
    silenced_until: null, last_at: AT, resolved_at: "2026-11-22T12:06:00Z", well_at: "2026-11-22T12:05:00Z",
  } as unknown as AlertDetail;
  shown(<AboutPart alert={about} />);
  expect(document.querySelector("[data-lasted]")?.textContent).toMatch(/^5 min, well since .*\d\d:05:00$/);
  cleanup();
  shown(<AboutPart alert={{ ...about, well_at: null }} />);
  expect(document.querySelector("[data-lasted]")?.textContent).toBe("6 min");
});
