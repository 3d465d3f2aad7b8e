/** How loudly open alerts call for somebody. Red is for what is critical, fires and is nobody's yet. */
import type { Alert } from "../../lib/types";
import { severityOf, standingOf } from "./standing";
import { loudest, SEVERITY_TONE, type Tone } from "./tone";

export interface Call {
  open: number;
  /** Of these, those that nobody looks after and nobody has silenced. */
  firing: number;
  tone: Tone;
}

export function call(alerts: readonly Alert[], nowMs: number): Call {
  const found: Call = { open: 0, firing: 0, tone: "muted" };
  for (const alert of alerts) {
    if (alert.phase === "resolved") continue;
    found.open += 1;
    if (standingOf(alert, nowMs) !== "firing") continue;
    found.firing += 1;
    found.tone = loudest([found.tone, SEVERITY_TONE[severityOf(alert)]]);
  }
  return found;
}
