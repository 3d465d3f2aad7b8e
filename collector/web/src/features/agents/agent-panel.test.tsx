import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { live } from "../../lib/live-app";
import { AgentPanel } from "./agent-panel";

afterEach(() => {
  cleanup();
  act(() => live.reset());
});

it("says that there is no such agent only when all are known", () => {
  live.agents.setPhase("loading");
  render(<QueryClientProvider client={new QueryClient()}><AgentPanel id="agt_9" onClose={() => {}} /></QueryClientProvider>);
  expect(screen.getByLabelText("Loading the agent")).toBeTruthy();
  expect(screen.queryByText(/no such agent/)).toBeNull();
  act(() => live.agents.replace([]));
  expect(screen.getByText(/no such agent/)).toBeTruthy();
});
