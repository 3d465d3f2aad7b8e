import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import type { Alert } from "../../lib/types";
import { type Standing, standingOf } from "./standing";
import { standingNote } from "./subject";

/** How it stands and what is to be said of that, as one string: the second hand renders the row only when it turns. */
export function useStanding(alert: Alert | undefined): [Standing, string | null] {
  const text = useEachSecond(() => {
    if (!alert) return "resolved\n";
    const now = serverNow();
    return `${standingOf(alert, now)}\n${standingNote(alert, now) ?? ""}`;
  });
  const [standing, note] = text.split("\n");
  return [standing as Standing, note || null];
}
