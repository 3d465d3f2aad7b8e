/** When an agent was not well, as its alerts tell it. */
import type { Alert } from "../../lib/types";
import { summaryOf } from "../alerts/standing";

export interface Outage {
  id: string;
  summary: string;
  /** Milliseconds; `to` is now where it goes on. */
  from: number;
  to: number;
  isOpen: boolean;
}

type Told = Pick<Alert, "id" | "summary" | "device" | "began_at" | "fired_at" | "resolved_at">;

/** Of the agent itself, within a time, the newest first. What never fired was none. */
export function outagesOf(alerts: readonly Told[], from: number, to: number): Outage[] {
  return alerts
    .filter(({ device, fired_at: fired }) => device === null && fired !== null)
    .map(({ id, summary, began_at: began, resolved_at: resolved }) => ({
      id, summary: summaryOf({ summary }), from: Math.max(from, Date.parse(began)), to: resolved === null ? to : Math.min(to, Date.parse(resolved)), isOpen: resolved === null,
    }))
    .filter((one) => one.to > one.from)
    .toSorted((a, b) => b.from - a.from);
}
