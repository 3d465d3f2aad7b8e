import { act, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { live } from "../../lib/live-app";
import type { Agent, Device } from "../../lib/types";
import { useShown } from "./fleet-row";

const device = {
  id: "dev_1", agent: { id: "agt_1", name: "box-1" }, state: "unknown", cause: "pending", interval_s: 60, last_sample_at: null,
} as unknown as Device;
const agent = { id: "agt_1", name: "box-1", last_seen_at: null, revoked_at: null } as unknown as Agent;

it("tells a first poll from an agent that was not here yet, as soon as the agents are known", () => {
  const load = vi.spyOn(live, "ensureAgents").mockImplementation(() => {});
  const { result } = renderHook(() => useShown(device));
  expect(result.current.slice(0, 2)).toEqual(["unknown", "pending"]);
  expect(load).toHaveBeenCalled();
  act(() => live.agents.replace([agent]));
  expect(result.current[1]).toBe("agent_unseen");
  act(() => live.agents.put({ ...agent, last_seen_at: "2026-11-21T12:00:00Z" }));
  expect(result.current[1]).toBe("pending");
});
