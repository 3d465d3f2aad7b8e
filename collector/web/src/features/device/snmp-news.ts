/** How far what SNMP has told of a device is to be believed: its figures and its interfaces. */
import { duration, sinceTime } from "../../lib/format";
import { ageSeconds, causeWord, type ShownCause, shownAsked, shownPort } from "../../lib/state";
import type { Device, Interface, State } from "../../lib/types";

/** `old`: the last polls have failed and not yet enough of them to say that it is gone. */
export type Trust = "good" | "old" | "gone";

export interface SnmpNews {
  trust: Trust;
  cause: ShownCause | null;
}

type Told = Pick<Device, "snmp_poll" | "interval_s">;

export function snmpNews({ snmp_poll: poll, interval_s: interval }: Told, nowMs: number): SnmpNews {
  // Nothing speaks against what else is known.
  if (!poll) return { trust: "good", cause: null };
  const { state, cause } = shownAsked(poll, interval, nowMs);
  if (state === "up") return { trust: "good", cause };
  return { trust: poll.holds && state === "degraded" ? "old" : "gone", cause };
}

/** Why nothing is known of its ports as they are now; null while it is. */
export function untoldWords(device: Told, nowMs: number): string | null {
  const { trust, cause } = snmpNews(device, nowMs);
  if (trust !== "gone") return null;
  return cause === "agent_offline" ? "Not known while the agent is away." : "Not known while SNMP tells nothing.";
}

/** What is said of a figure that SNMP told, on a closer look; null while it is as new as the device. */
export function snmpTitle(device: Told, nowMs: number): string | null {
  const { trust, cause } = snmpNews(device, nowMs);
  if (trust === "good") return null;
  const asked = ageSeconds(device.snmp_poll?.at, nowMs);
  const when = asked === null ? "" : `, ${duration(asked)} ago`;
  const answered = ageSeconds(device.snmp_poll?.answered_at, nowMs);
  const told = answered === null ? "before" : `${duration(answered)} ago`;
  return `SNMP: ${causeWord(cause) ?? "not known"}${when}. ${trust === "old" ? `This was told ${told}.` : `What was told ${told} holds no more.`}`;
}

/** The state to show of an interface, and since when nothing is known of one that was known. */
export function portNews(
  port: Pick<Interface, "state" | "oper" | "updated_at">, trust: Trust, intervalS: number, nowMs: number,
): { state: State; since: string | null } {
  const state = trust === "gone" ? "unknown" : shownPort(port, intervalS, nowMs);
  // One that says itself that its state is unknown has just said so.
  const isLost = state === "unknown" && !(port.state === "unknown" && port.oper !== null);
  return { state, since: isLost && port.updated_at ? sinceTime(port.updated_at, nowMs) : null };
}
