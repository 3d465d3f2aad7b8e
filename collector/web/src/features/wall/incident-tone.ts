/** How loud an incident is on the wall, and in which colours its sign stands. */
import type { Device } from "../../lib/types";
import { deviceTone, loudest, SEVERITY_TONE, type Tone, TONE_TEXT } from "../alerts/tone";
import type { Incident } from "../now/incidents";

/** The ground of a sign, and its own colour on that: what is loud has the only red of its line. */
export const SIGN_GROUND: Readonly<Record<Tone, string>> = { alarm: "bg-down", warn: "", muted: "", calm: "" };
export const SIGN_TEXT: Readonly<Record<Tone, string>> = { ...TONE_TEXT, alarm: "text-bg" };

export function incidentTone({ standing, severity, isAway, alerts }: Incident): Tone {
  if (standing !== "firing") return "muted";
  // Nobody can tell how any of it is now. That an agent is away is news by itself.
  if (!isAway && alerts.every(({ unknown }) => unknown)) return "muted";
  return SEVERITY_TONE[severity];
}

/** How loud the devices are of which no incident tells already. */
export function untoldTone(devices: readonly Pick<Device, "id" | "state">[], incidents: readonly Incident[], cared: ReadonlySet<string>): Tone {
  const told = new Set(incidents.flatMap(({ alerts }) => alerts.flatMap(({ device }) => device?.id ?? [])));
  return loudest(devices.flatMap((one) => (told.has(one.id) ? [] : deviceTone(one, cared))));
}
