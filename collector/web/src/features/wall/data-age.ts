/** How old what the screen shows may be: never silent. */
import { clockTime, duration } from "../../lib/format";
import type { LinkStatus } from "../../lib/live-link";

/** A heartbeat comes every 15 s; a little over that is late, and so is a first word. */
const LATE_MS = 20_000;

export type Freshness = "live" | "connecting" | "late" | "lost";

export function freshness({ phase, heardAt }: Pick<LinkStatus, "phase" | "heardAt">, nowMs: number): Freshness {
  const isLate = nowMs - heardAt > LATE_MS;
  if (phase === "offline") return "lost";
  if (phase === "connecting") return isLate ? "lost" : "connecting";
  return isLate ? "late" : "live";
}

export function ageWords(status: Pick<LinkStatus, "phase" | "heardAt">, nowMs: number): string {
  switch (freshness(status, nowMs)) {
    case "live":
      return "Live";
    case "connecting":
      return "Connecting";
    case "late":
      return `Data is ${duration((nowMs - status.heardAt) / 1000)} old`;
    case "lost":
      return `No connection since ${clockTime(status.heardAt, false)}`;
  }
}
