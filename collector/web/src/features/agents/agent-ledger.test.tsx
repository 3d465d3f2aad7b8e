import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Agent, Losses } from "../../lib/types";
import { AgentLedger } from "./agent-ledger";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const total = { expected: 1000, stored: 966, declared: 0, awaited: 0, not_asked: 0, single: 0, undeclared: 34, share_stored: 0.966 };
const complete = { from: ago(86_400), to: ago(0), devices: [], total };

/** `counted`: how the collector answers who asks what is here. */
function open(agent: Partial<Agent>, { counted = 200, losses = [], gaps = [] }: { counted?: number; losses?: readonly Losses[]; gaps?: readonly object[] } = {}) {
  const answers: Readonly<Record<string, unknown>> = {
    ledger: { losses, refused: { batches: 0, last_at: null } }, completeness: counted === 200 ? complete : undefined, gaps,
  };
  const get = vi.spyOn(api, "GET").mockImplementation((async (path: string) => {
    const name = path.split("/").at(-1) ?? "";
    return { data: { data: answers[name], meta: { next_cursor: null } }, response: new Response(null, { status: name === "completeness" ? counted : 200 }) };
  }) as never);
  const row = { id: "agt_1", state: "up", last_seen_at: ago(1), last_ack_at: ago(1), buffer: { batches: 0, bytes: 0, oldest_at: null }, backfill: null, ...agent } as unknown as Agent;
  render(<QueryClientProvider client={new QueryClient()}><AgentLedger agent={row} /></QueryClientProvider>);
  return () => (get.mock.calls as unknown as [string][]).map(([path]) => path.split("/").at(-1));
}

it("tells of one that is here what was declared, and what is here of the last day", async () => {
  open({});
  expect(await screen.findByText("No loss was declared in 7 days.")).toBeTruthy();
  expect(await screen.findByText("· 34 missing without explanation")).toBeTruthy();
  expect(document.querySelector("[data-complete='34']")?.textContent).toContain("96.6 % of 1,000 polls due in 24 h are here");
});

it("shows nothing of a count that was refused", async () => {
  const asked = open({}, { counted: 429 });
  expect(await screen.findByText("No loss was declared in 7 days.")).toBeTruthy();
  await vi.waitFor(() => expect(asked()).toContain("completeness"));
  expect(document.querySelector("[data-complete], [role=alert]")).toBeNull();
});

it("claims nothing of one that is away, or silent", async () => {
  const asked = open({ state: "down", last_seen_at: ago(90), last_ack_at: ago(91) });
  expect(await screen.findByText(/^What a full buffer/)).toBeTruthy();
  expect(document.querySelector("[data-backfill=away]")?.textContent).toMatch(/^Not known until it is back\. Everything up to about \d\d:\d\d:\d\d is here\. While/);
  expect(screen.queryByText(/No loss was declared/)).toBeNull();
  expect(asked()).not.toContain("completeness");
  cleanup();
  open({ last_seen_at: ago(20) });
  expect(await screen.findByText(/^Silent for 2\d s; offline at 30 s\./)).toBeTruthy();
  expect(await screen.findByText(/^What a full buffer/)).toBeTruthy();
  expect(screen.queryByText(/No loss was declared/)).toBeNull();
});

it("does not take all before it went for here, where some of it is declared lost or still there", async () => {
  const none = { gaps: 0, samples: 0 };
  const once = { gaps: 1, samples: 7 };
  open({ state: "down", last_seen_at: ago(90), last_ack_at: ago(91) }, { losses: [{ class: "gauges", reason: "evicted", from: ago(999), to: ago(900), day: once, week: once, ever: once }] });
  expect(await screen.findByText(/is here or told below as lost\./)).toBeTruthy();
  cleanup();
  open({ state: "down", last_seen_at: ago(90), buffer: null }, { losses: [{ class: "gauges", reason: "evicted", from: "", to: "", day: none, week: none, ever: none }] });
  expect((await screen.findByText(/^Not known until it is back\./)).textContent).not.toContain("Everything");
});

it("tells when it was stopped, and calls it no loss", async () => {
  open({}, { gaps: [{ class: "all", reason: "stopped", count: null, from: ago(900), to: ago(807), stream: "1", seq_from: 1, seq_to: 1 }] });
  expect(await screen.findByText("not running")).toBeTruthy();
  expect(screen.getByText("the agent was not running")).toBeTruthy();
  expect(screen.getByText("No loss was declared in 7 days.")).toBeTruthy();
  expect(document.querySelectorAll(".hatched-stop")).toHaveLength(1);
});
