/** What each way of asking a device tells, in words: echo requests, and SNMP. */
import { NONE, percent, threeFigures } from "../../lib/format";
import { causeHint, type ShownCause, shownAsked } from "../../lib/state";
import type { Device, DeviceDetail, State } from "../../lib/types";

export interface Asked {
  state: State;
  cause: ShownCause | null;
  /** Switched off: neither a state nor a fault. */
  isOff: boolean;
  /** The figures, the first one in large. */
  figures: readonly (readonly [value: string, of: string])[];
  at: string | null;
  hint: string | null;
}

const OFF: Asked = { state: "unknown", cause: null, isOff: true, figures: [], at: null, hint: null };

/** Causes that explain why nothing was heard of a way of asking, told of the device as a whole. */
const OF_DEVICE: ReadonlySet<ShownCause> = new Set(["agent_offline", "agent_revoked", "agent_unseen"]);

/** Nothing was heard yet. */
function silent(ofDevice: ShownCause | null): Asked {
  const cause = ofDevice && OF_DEVICE.has(ofDevice) ? ofDevice : "pending";
  return { state: "unknown", cause, isOff: false, figures: [], at: null, hint: null };
}

const ms = (value: number | null) => (value === null ? NONE : `${threeFigures(value)} ms`);

const ECHO_HINT: Partial<Record<ShownCause, string>> = {
  timeout: "No echo came back. The device is down, or something on the way drops echo requests.",
  stale: "The last echo is too old to vouch for.",
  budget: "The agent had no room for these echo requests. Raise the interval or spread the load.",
};

export function echoOf(device: Device, isOn: boolean, ofDevice: ShownCause | null, nowMs: number): Asked {
  if (!isOn) return { ...OFF, hint: "Echo requests to this device are switched off." };
  if (!device.icmp) {
    const asked = silent(ofDevice);
    const hint = "No echo yet. Agents send echo requests with each poll; one of an older version does not.";
    return asked.cause === "pending" && device.last_sample_at ? { ...asked, hint } : asked;
  }
  const { loss_percent: loss, rtt_ms: rtt, jitter_ms: jitter, at } = device.icmp;
  const { state, cause } = shownAsked(device.icmp, device.interval_s, nowMs);
  const figures = cause === "not_permitted" ? [] : [
    [ms(rtt), "round trip"], [loss === null ? NONE : `${percent(loss / 100)} %`, "lost"], [ms(jitter), "jitter"],
  ] as const;
  const hint = state === "up" ? null : ((cause && ECHO_HINT[cause]) ?? causeHint(cause));
  return { state, cause, isOff: false, figures, at, hint };
}

export function snmpOf(
  device: Device, { credential, damaged }: Pick<DeviceDetail["snmp"], "credential" | "damaged">,
  ofDevice: ShownCause | null, nowMs: number,
): Asked {
  const none: Asked = {
    state: "unknown", cause: "no_credential", isOff: false, figures: [], at: null, hint: causeHint("no_credential"),
  };
  if (credential === "none") return none;
  const poll = device.snmp_poll && { ...device.snmp_poll, ...shownAsked(device.snmp_poll, device.interval_s, nowMs) };
  // The agent got none. If it asks all the same, it has one: what is damaged was given anew since this page was read, or the agent kept
  // what it had.
  const isAsked = poll && poll.cause !== "stale" && poll.cause !== "no_credential";
  if (damaged && !isAsked) return { ...none, cause: "credential_damaged", hint: causeHint("credential_damaged") };
  if (!poll) return silent(ofDevice);
  const { state, cause, rtt_ms: rtt, at } = poll;
  // It has one by now; the agent has not told of it yet.
  if (cause === "no_credential") return silent("pending");
  return { state, cause, isOff: false, figures: [[ms(rtt), "round trip"]], at, hint: state === "up" ? null : causeHint(cause) };
}
