import { act, cleanup, render, renderHook } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { live } from "../../lib/live-app";
import type { Agent, Device } from "../../lib/types";
import { PortCount, useShown, useTrust } from "./fleet-row";

afterEach(cleanup);

const device = {
  id: "dev_1", agent: { id: "agt_1", name: "box-1" }, state: "unknown", cause: "pending", interval_s: 60, last_sample_at: null,
} as unknown as Device;
const agent = { id: "agt_1", name: "box-1", last_seen_at: null, revoked_at: null } as unknown as Agent;

it("tells a first poll from an agent that has never connected, as soon as the agents are known", () => {
  const load = vi.spyOn(live, "ensureAgents").mockImplementation(() => {});
  const { result } = renderHook(() => useShown(device));
  expect(result.current.slice(0, 2)).toEqual(["unknown", "pending"]);
  expect(load).toHaveBeenCalled();
  act(() => live.agents.replace([agent]));
  expect(result.current[1]).toBe("agent_unseen");
  act(() => live.agents.put({ ...agent, last_seen_at: "2026-11-21T12:00:00Z" }));
  expect(result.current[1]).toBe("pending");
});

it("counts the ports it knows of, and shows a dash alone where none was told", () => {
  const text = (up: number | null, total: number, isKnown = true) =>
    render(<PortCount device={{ interfaces_up: up, interfaces_total: total }} isKnown={isKnown} />).container.textContent;
  expect(text(7, 8)).toBe("7/8");
  expect(text(7, 8, false)).toBe("–/8");
  expect(text(null, 0)).toBe("–");
});

it("believes nothing any more of what SNMP told when it is down, though echoes come back", () => {
  const snmp_poll = { state: "down", cause: "timeout", rtt_ms: null, at: new Date().toISOString() };
  const up = { ...device, state: "degraded", last_sample_at: new Date().toISOString() } as Device;
  const { result, rerender } = renderHook((one: Device) => useTrust(one), { initialProps: up });
  expect(result.current).toBe("good");
  rerender({ ...up, snmp_poll } as Device);
  expect(result.current).toBe("gone");
});

it("dims the figures of a device whose agent is away, however young they are", () => {
  const { result, rerender } = renderHook((one: Device) => useShown(one), { initialProps: { ...device, state: "up", cause: null, last_sample_at: new Date().toISOString() } as Device });
  expect(result.current[2]).toBe(false);
  rerender({ ...device, state: "unknown", cause: "agent_offline", last_sample_at: new Date().toISOString() } as Device);
  expect(result.current).toEqual(["unknown", "agent_offline", true]);
});
