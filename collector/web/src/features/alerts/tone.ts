/** How loud something is. Only what calls for a person now is red: not what somebody looks after, not what is silenced, not what is old. */
import type { Alert, Device, State } from "../../lib/types";
import { isSilent, type Severity } from "./standing";

export type Tone = "alarm" | "warn" | "muted" | "calm";

/** The loudest first. */
export const TONES: readonly Tone[] = ["alarm", "warn", "muted", "calm"];

export const TONE_TEXT: Readonly<Record<Tone, string>> = {
  alarm: "text-down", warn: "text-degraded", muted: "text-muted", calm: "text-up",
};

/** Of what fires, and is nobody's yet. */
export const SEVERITY_TONE: Readonly<Record<Severity, Tone>> = { critical: "alarm", warning: "warn", info: "muted" };

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
