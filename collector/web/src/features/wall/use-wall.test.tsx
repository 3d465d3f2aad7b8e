import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { useWall } from "./use-wall";

vi.mock("../../lib/live-app", () => ({
  connectLive: vi.fn(), disconnectLive: vi.fn(),
  live: { hasListsOnly: false, ensureDevices: vi.fn(), ensureAgents: vi.fn(), ensureAlerts: vi.fn() },
}));

const WALL = { name: "Hall", tenants: [], views: [], every_s: 30, version: "1" };
const json = (status: number, body: object) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** A collector whose answer may change. */
function collector(first: () => Response) {
  const server = { answer: first, asked: [] as string[] };
  vi.stubGlobal("fetch", async (request: Request) => {
    server.asked.push(`${request.method} ${await request.clone().text()}`.trim());
    return server.answer();
  });
  return server;
}

function Phase() {
  return <p>{useWall().phase}</p>;
}

function show() {
  render(<QueryClientProvider client={new QueryClient()}><Phase /></QueryClientProvider>);
}

async function later(ms: number) {
  await act(() => vi.advanceTimersByTimeAsync(ms));
}

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  history.replaceState(null, "", "/");
});

const refused = () => json(401, { code: "unauthenticated" });

it("says that it was removed, keeps asking, and shows again when it may", async () => {
  vi.useFakeTimers();
  const server = collector(() => json(200, { data: WALL }));
  show();
  await later(10);
  expect(screen.getByText("shown")).toBeTruthy();
  server.answer = refused;
  await later(60_000);
  expect(screen.getByText("removed")).toBeTruthy();
  server.answer = () => json(200, { data: WALL });
  await later(60_000);
  expect(screen.getByText("shown")).toBeTruthy();
});

it("goes on showing while nobody answers", async () => {
  vi.useFakeTimers();
  const server = collector(() => json(200, { data: WALL }));
  show();
  await later(10);
  server.answer = () => json(503, {});
  await later(70_000);
  expect(screen.getByText("shown")).toBeTruthy();
});

it("sends a link again that nobody answered, and not one that is refused", async () => {
  vi.useFakeTimers();
  history.replaceState(null, "", "/wall#fws_a_b");
  const server = collector(() => {
    throw new TypeError("no network");
  });
  show();
  await later(10);
  expect(screen.getByText("away")).toBeTruthy();
  expect(location.hash).toBe("");
  const sent = () => server.asked.filter((one) => one === 'POST {"token":"fws_a_b"}').length;
  await later(6000);
  expect(sent()).toBe(2);
  server.answer = refused;
  await later(6000);
  expect(screen.getByText("closed")).toBeTruthy();
  await later(60_000);
  expect(sent()).toBe(3);
});
