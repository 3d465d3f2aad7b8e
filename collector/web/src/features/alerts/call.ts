/** How loudly open alerts call for somebody. Red is for what is critical, fires and is nobody's yet. */
import type { Alert } from "../../lib/types";
import { severityOf, standingOf } from "./standing";
import { loudest, SEVERITY_TONE, type Tone } from "./tone";

export interface Call {
  open: number;
  /** Of these, those that nobody looks after and nobody has silenced. */
  firing: number;
  tone: Tone;
  /** How many of those that fire are as loud as that. */
  loud: number;
}

export function call(alerts: readonly Alert[], nowMs: number): Call {
  const found: Call = { open: 0, firing: 0, tone: "muted", loud: 0 };
  for (const alert of alerts) {
    if (alert.phase === "resolved") continue;
    found.open += 1;
    if (standingOf(alert, nowMs) !== "firing") continue;
    found.firing += 1;
    const tone = SEVERITY_TONE[severityOf(alert)];
    const louder = loudest([found.tone, tone]);
    if (louder !== found.tone) found.loud = 0;
    found.tone = louder;
    if (tone === louder) found.loud += 1;
  }
  return found;
}
