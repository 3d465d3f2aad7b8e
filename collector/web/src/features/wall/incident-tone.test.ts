import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import type { Incident } from "../now/incidents";
import { incidentTone, untoldTone } from "./incident-tone";

const alert = (device: string, more: Partial<Alert> = {}) =>
  ({ id: `alr_${device}`, phase: "firing", device: { id: device, name: device }, ack: null, silenced_until: null, unknown: false, ...more }) as Alert;
const incident = (more: Partial<Incident> = {}) =>
  ({ standing: "firing", severity: "critical", isAway: false, alerts: [alert("a")], ...more }) as Incident;

it("is red only for what is critical, new and known", () => {
  expect(incidentTone(incident())).toBe("alarm");
  expect(incidentTone(incident({ severity: "warning" }))).toBe("warn");
  for (const standing of ["acknowledged", "silenced", "pending"] as const) expect(incidentTone(incident({ standing }))).toBe("muted");
  const old = [alert("a", { unknown: true })];
  expect(incidentTone(incident({ alerts: old }))).toBe("muted");
  expect(incidentTone(incident({ alerts: old, isAway: true }))).toBe("alarm");
});

it("is loud once about a device: in its incident, or else in the figures", () => {
  const of = (id: string) => untoldTone([{ id, state: "down" }], [incident()], new Set());
  expect([of("a"), of("b"), untoldTone([], [], new Set())]).toEqual(["calm", "alarm", "calm"]);
});
