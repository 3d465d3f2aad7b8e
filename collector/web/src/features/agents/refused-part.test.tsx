import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import type { Agent, AgentRefused, Ledger } from "../../lib/types";
import { AgentLedger } from "./agent-ledger";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const AT = "2026-11-23T05:00:00Z";
const row = (seq: number, head: string | null): AgentRefused => ({
  at: AT, stream: "9223372036854775000", seq, code: "malformed", detail: "row 3 has no time", bytes: 18_200, hash: "ab".repeat(32), head,
});

function open(refused: Ledger["refused"], rows: readonly AgentRefused[] = []) {
  const get = vi.spyOn(api, "GET").mockImplementation((async (path: string) => ({
    data: path.endsWith("/refused") ? { data: rows, meta: { next_cursor: null } } : path.endsWith("/gaps") ? { data: [], meta: { next_cursor: null } } : path.endsWith("/ledger") ? { data: { losses: [], refused } } : undefined,
    response: path.endsWith("/completeness") ? new Response(null, { status: 429 }) : new Response(),
  })) as never);
  const agent = { id: "agt_1", state: "up", last_seen_at: new Date().toISOString(), buffer: null, backfill: null } as unknown as Agent;
  render(<QueryClientProvider client={new QueryClient()}><AgentLedger agent={agent} /></QueryClientProvider>);
  return () => (get.mock.calls as unknown as [string][]).map(([path]) => path.split("/").at(-1)).filter((name) => name !== "completeness" && name !== "gaps");
}

it("says nothing where none was refused", async () => {
  const asked = open({ batches: 0, last_at: null });
  expect(await screen.findByText("No loss was declared in 7 days.")).toBeTruthy();
  expect(document.querySelector("[data-refused]")).toBeNull();
  expect(asked()).toEqual(["ledger"]);
});

it("tells how many, and reads them only when they are asked for", async () => {
  const asked = open({ batches: 2, last_at: AT }, [row(8, btoa("\u0001Farwatch")), row(7, null)]);
  const line = await screen.findByRole("button", { name: "2 batches refused for good" });
  expect(screen.queryByText("No loss was declared in 7 days.")).toBeNull();
  expect(asked()).toEqual(["ledger"]);
  fireEvent.click(line);
  expect(await screen.findByText("9223372036854775000/8")).toBeTruthy();
  expect(asked()).toEqual(["ledger", "refused"]);
  expect(screen.getAllByText("it cannot be read, or breaks a limit: row 3 has no time")).toHaveLength(2);
  const [first, second] = screen.getAllByRole("button", { name: "Details" });
  if (!first || !second) throw new Error("no row can be opened");
  fireEvent.click(first);
  expect(document.querySelector("[data-head]")?.textContent).toMatch(/^0000 {2}01 46 61 .*\.Farwatch$/);
  expect(screen.getByText("ab".repeat(32))).toBeTruthy();
  fireEvent.click(second);
  expect(screen.getByText("What was in it is for who may change agents.")).toBeTruthy();
});
