/** What an alert is about, how it was and how it stands, in words. */
import { useCallback } from "react";
import { exactDuration, sinceTime } from "../../lib/format";
import { useAgentNames, useDeviceNames } from "../../lib/live-names";
import type { Alert } from "../../lib/types";
import { figure } from "../rules/units";
import { untoldPart } from "./part";
import { isSilent } from "./standing";

export type Called = (alert: Alert) => string;

/** Names as every page tells them. */
export function useCalled(): Called {
  const devices = useDeviceNames();
  const agents = useAgentNames();
  return useCallback(
    ({ device, agent, site, tenant }: Alert) =>
      device ? devices.name({ name: device.name, site, tenant }) : agents.name({ name: agent.name, site, tenant }),
    [devices, agents],
  );
}

/** What the line does not say yet of what it is about: the name by which the pages know it, and the part. */
export function untold(alert: Pick<Alert, "summary" | "object" | "object_name">, called: string): string | null {
  return [!alert.summary.includes(called) && called, untoldPart(alert, alert.summary)].filter(Boolean).join(" · ") || null;
}

/** Units that say nothing beside the name of the rule: what is so is 1, or a state has a number. */
const WORDLESS: ReadonlySet<string> = new Set(["one", "flag"]);

/** The value as it was at the last turn of the alert; null where it is one of a flag or a state. */
export function valueOf({ value, unit }: Pick<Alert, "value" | "unit">): string | null {
  return value === null || (unit !== null && WORDLESS.has(unit)) ? null : figure(value, unit);
}

/** How long it was wrong; null while it is. The rule waits a while with it well before it is over: that is not counted. */
export function lastedWords({ began_at: began, resolved_at: over, well_at: well }: Pick<Alert, "began_at" | "resolved_at" | "well_at">): string | null {
  const end = well ?? over;
  return end && exactDuration((Date.parse(end) - Date.parse(began)) / 1000);
}

const CAUSE_WORD: Readonly<Record<string, string>> = {
  rule_changed: "its rule was changed", rule_deleted: "its rule was deleted", rule_disabled: "its rule was switched off",
  device_removed: "its device was removed", agent_revoked: "its agent was revoked",
};

/** Why it ended, if not because it is well. A newer server may know causes without words here. */
export function endWord(cause: string | null): string | null {
  return cause ? (CAUSE_WORD[cause] ?? cause.replaceAll("_", " ")) : null;
}

/** Behind the word of its state: who, until when, what is in doubt; of what is over, after how long. */
export function standingNote(alert: Alert, nowMs: number): string | null {
  const { phase, cause, ack, silenced_until: until, unknown, well_at: well } = alert;
  if (phase === "resolved") return [`after ${lastedWords(alert)}`, endWord(cause)].filter(Boolean).join(" · ");
  const notes: string[] = [];
  if (isSilent(alert, nowMs)) notes.push(`until ${sinceTime(until, nowMs)}`);
  if (ack) notes.push(`by ${ack.by}`);
  if (unknown) notes.push("unknown now");
  else if (well && phase === "firing") notes.push("well for now");
  return notes.join(" · ") || null;
}
