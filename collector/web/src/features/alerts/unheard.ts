/** Whether nobody heard of an alert, as its deliveries tell it. */
import type { Alert, Delivery } from "../../lib/types";
import { severityOf, standingOf } from "./standing";

/** Until somebody is told, or a route is made. */
const NOBODY_MS = 20_000;
/** Between two looks at deliveries that are on their way: no stream tells of them. */
const LOOK_MS = 5000;
export const KEPT_DAYS = 90;
const KEPT_MS = KEPT_DAYS * 86_400_000;

type Told = Pick<Alert, "phase" | "ack" | "silenced_until" | "severity" | "fired_at" | "began_at">;

/** It is longer ago than the collector keeps deliveries: that there are none says nothing. */
export function isForgotten({ fired_at: fired, began_at: began }: Pick<Alert, "fired_at" | "began_at">, nowMs: number): boolean {
  return nowMs - Date.parse(fired ?? began) > KEPT_MS;
}

/** It calls for somebody now: that nobody was told is news. */
function isCall(alert: Told, nowMs: number): boolean {
  return standingOf(alert, nowMs) === "firing" && severityOf(alert) !== "info" && !isForgotten(alert, nowMs);
}

/** A hole in the chain that ends at somebody's phone: it fires, and no route has led to anybody for a while. */
export function isUnheard(alert: Told, nowMs: number): boolean {
  return isCall(alert, nowMs) && nowMs - Date.parse(alert.fired_at ?? "") > NOBODY_MS;
}

/** When the deliveries are looked at again, in milliseconds; false where nothing new is to come. */
export function lookAgain(alert: Told, deliveries: readonly Pick<Delivery, "state">[] | undefined, nowMs: number): number | false {
  if (deliveries?.some(({ state }) => state === "queued")) return LOOK_MS;
  return deliveries?.length === 0 && isCall(alert, nowMs) ? NOBODY_MS : false;
}
