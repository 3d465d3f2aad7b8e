import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { live } from "../../lib/live-app";
import { AgentPanel } from "./agent-panel";

afterEach(() => {
  cleanup();
  act(() => live.reset());
});

it("says that there is no such agent only when all are known", async () => {
  live.agents.setPhase("loading");
  const router = createRouter({
    routeTree: createRootRoute({ component: () => <AgentPanel id="agt_9" onClose={() => {}} /> }), history: createMemoryHistory(),
  });
  render(<QueryClientProvider client={new QueryClient()}><RouterProvider router={router as never} /></QueryClientProvider>);
  expect(await screen.findByLabelText("Loading the agent")).toBeTruthy();
  expect(screen.queryByText(/no such agent/)).toBeNull();
  act(() => live.agents.replace([]));
  expect(screen.getByText(/no such agent/)).toBeTruthy();
});
