import { expect, it } from "vitest";
import type { Alert, State } from "../../lib/types";
import { caredFor, deviceTone, loudest, worstState } from "./tone";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const alert = (device: string, more: Partial<Alert> = {}) =>
  ({ id: `alr_${device}`, phase: "firing", device: { id: device, name: device }, ack: null, silenced_until: null, unknown: false, ...more }) as Alert;

it("is quiet about a device only while every alert of it is looked after", () => {
  const ack = { by: "noc", at: "", note: null } as unknown as Alert["ack"];
  const cared = caredFor([
    alert("a", { ack }), alert("b", { silenced_until: "2026-11-22T13:00:00Z" }), alert("c", { silenced_until: "2026-11-22T11:00:00Z" }),
    alert("d", { ack }), alert("d"), alert("e", { phase: "resolved", ack }),
  ], NOW);
  expect([...cared]).toEqual(["a", "b"]);
  const tone = (id: string, state: State) => deviceTone({ id, state }, cared);
  expect([tone("a", "down"), tone("d", "down"), tone("d", "degraded"), tone("d", "unknown"), tone("a", "up")])
    .toEqual(["muted", "alarm", "warn", "muted", "calm"]);
});

it("names the loudest and the worst of several", () => {
  expect([loudest(["calm", "warn", "muted"]), loudest([])]).toEqual(["warn", "calm"]);
  expect(worstState({ up: 4, degraded: 1, down: 0, unknown: 2 })).toBe("degraded");
  expect(worstState({ up: 0, degraded: 0, down: 0, unknown: 0 })).toBe("up");
});
