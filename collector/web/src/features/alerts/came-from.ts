/** The list that the page of an alert was opened from: its way back leads there, with what was open beside it. */
import { lastPlace } from "../../lib/last-place";
import { lastInbox } from "./last-inbox";

interface Now {
  /** The root of the incident that was beside the list. */
  open?: string | undefined;
}

const { last, remember } = lastPlace<{ now?: Now | undefined }>({});

export function cameFromNow(search: Now): void {
  remember({ search: { now: search } });
}

export function cameFromInbox(): void {
  remember({ search: {} });
}

export function wayBack() {
  const { now } = last().search;
  return now ? { label: "Now", to: "/", search: now } as const : { label: "Alerts", to: "/alerts", search: lastInbox().search } as const;
}
