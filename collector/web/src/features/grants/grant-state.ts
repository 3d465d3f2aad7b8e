/** How a grant stands, and what is shown of its end. */
import type { Grant } from "../../lib/types";

export type GrantState = "live" | "ended" | "expired";

/** The server's word is as old as the list; the clock goes on. */
export function grantState({ ended_at: ended, expires_at: expires }: Grant, nowMs: number): GrantState {
  if (ended !== null) return "ended";
  return Date.parse(expires) > nowMs ? "live" : "expired";
}

/** Whole minutes, as many as the server counts them. */
export function minutesOf(hours: string): number {
  return Math.round(Number(hours) * 60);
}
