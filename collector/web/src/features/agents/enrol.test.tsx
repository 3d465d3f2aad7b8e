import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import type { Agent, Token } from "../../lib/types";
import { AgentWait, EnrolLines } from "./enrol";
import { PLATFORMS } from "./enrol-lines";

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

it("says below the lines of every machine how to try it without the rights of a service", () => {
  render(<EnrolLines token={{ token: "fw1_abc234", site: { name: "Depot" }, expires_at: "2026-11-22T12:00:00Z" } as Token} />);
  for (const { label } of PLATFORMS) {
    fireEvent.click(screen.getByText(label));
    expect(screen.getByText(/--state-dir DIR/).textContent).toMatch(/«enroll» and «run»/);
  }
});
