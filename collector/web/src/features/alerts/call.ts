/** How loudly open alerts call for somebody. Red is for what is critical, fires and is nobody's yet. */
import type { Alert } from "../../lib/types";
import { type Severity, severityOf, standingOf } from "./standing";

export type Tone = Exclude<Severity, "info"> | "quiet";

export interface Call {
  open: number;
  /** Of these, those that nobody looks after and nobody has silenced. */
  firing: number;
  tone: Tone;
}

export function call(alerts: readonly Alert[], nowMs: number): Call {
  const found: Call = { open: 0, firing: 0, tone: "quiet" };
  for (const alert of alerts) {
    if (alert.phase === "resolved") continue;
    found.open += 1;
    if (standingOf(alert, nowMs) !== "firing") continue;
    found.firing += 1;
    const severity = severityOf(alert);
    if (severity === "critical" || (severity === "warning" && found.tone === "quiet")) found.tone = severity;
  }
  return found;
}
