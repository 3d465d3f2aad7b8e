import { act, cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import type { Agent } from "../../lib/types";
import { AgentWait } from "./enrol";

afterEach(cleanup);

const agent = (state: Agent["state"]) => ({ id: "agt_1", name: "box-1", state }) as Agent;

it("says what to look at once nobody came for two minutes", () => {
  live.agents.replace([]);
  const { rerender } = render(<AgentWait id={null} since={serverNow() - 60_000} />);
  expect(screen.getByRole("status").textContent).toBe("Waiting for the agent…");
  expect(screen.queryByText(/firewall/)).toBe(null);
  rerender(<AgentWait id={null} since={serverNow() - 121_000} />);
  expect(screen.getByText(/UDP and TCP out to port 443/)).toBeTruthy();
  expect(screen.getByText(/clock/)).toBeTruthy();
});

it("follows an agent from its enrolment to its connection", () => {
  live.agents.replace([agent("unknown")]);
  render(<AgentWait id="agt_1" since={serverNow() - 121_000} />);
  expect(screen.getByRole("status").textContent).toContain("box-1 is enrolled.");
  expect(screen.queryByText(/firewall/)).toBeTruthy();
  act(() => live.agents.replace([agent("up")]));
  expect(screen.getByRole("status").textContent).toBe("box-1 is connected.");
  expect(screen.queryByText(/firewall/)).toBe(null);
});
