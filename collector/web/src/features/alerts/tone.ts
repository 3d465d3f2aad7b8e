/** How loud something is. Only what calls for a person now is red: not what somebody looks after, not what is silenced, not what is old. */
import type { Incident } from "../now/incidents";
import { isSilent } from "../alerts/standing";
import type { Alert, Device, State } from "../../lib/types";

export type Tone = "alarm" | "warn" | "muted" | "calm";

/** The loudest first. */
export const TONES: readonly Tone[] = ["alarm", "warn", "muted", "calm"];

export const TONE_TEXT: Readonly<Record<Tone, string>> = {
  alarm: "text-down", warn: "text-degraded", muted: "text-muted", calm: "text-up",
};

/** The ground of a sign, and its own colour on that: what is loud has the only red of its line. */
export const SIGN_GROUND: Readonly<Record<Tone, string>> = { alarm: "bg-down", warn: "", muted: "", calm: "" };
export const SIGN_TEXT: Readonly<Record<Tone, string>> = { ...TONE_TEXT, alarm: "text-bg" };

export function incidentTone({ standing, severity, isAway, alerts }: Incident): Tone {
  if (standing !== "firing") return "muted";
  // Nobody can tell how any of it is now. That an agent is away is news by itself.
  if (!isAway && alerts.every(({ unknown }) => unknown)) return "muted";
  return severity === "critical" ? "alarm" : severity === "warning" ? "warn" : "muted";
}

/** Devices of which somebody looks after every alert, or nobody is to be told. */
export function caredFor(alerts: readonly Alert[], nowMs: number): ReadonlySet<string> {
  const cared = new Set<string>();
  const open = new Set<string>();
  for (const alert of alerts) {
    if (alert.phase === "resolved" || !alert.device) continue;
    (alert.ack || isSilent(alert, nowMs) ? cared : open).add(alert.device.id);
  }
  for (const id of open) cared.delete(id);
  return cared;
}

export function deviceTone({ id, state }: Pick<Device, "id" | "state">, cared: ReadonlySet<string>): Tone {
  if (state === "up") return "calm";
  if (state === "unknown" || cared.has(id)) return "muted";
  return state === "down" ? "alarm" : "warn";
}

export function loudest(tones: Iterable<Tone>): Tone {
  let at = TONES.length - 1;
  for (const tone of tones) at = Math.min(at, TONES.indexOf(tone));
  return TONES[at] as Tone;
}

/** The worst state that is among them; up where there is none. */
export function worstState(counts: Readonly<Record<State, number>>): State {
  return (["down", "degraded", "unknown"] as const).find((state) => counts[state] > 0) ?? "up";
}

/** How loud the devices are of which no incident tells already. */
export function untoldTone(devices: readonly Pick<Device, "id" | "state">[], incidents: readonly Incident[], cared: ReadonlySet<string>): Tone {
  const told = new Set(incidents.flatMap(({ alerts }) => alerts.flatMap(({ device }) => device?.id ?? [])));
  return loudest(devices.flatMap((one) => (told.has(one.id) ? [] : deviceTone(one, cared))));
}
