import type { Agent, Cause, Device, Icmp, Interface, State } from "./types";

/** A value older than this many of its intervals is dimmed. */
const DIM_INTERVALS = 3;
/** A value older than max(2.5 intervals, 5 min) is not known any more. */
const UNKNOWN_INTERVALS = 2.5;
const UNKNOWN_FLOOR_S = 300;
/** The same for a port, which the server lets go of sooner. */
const PORT_FLOOR_S = 30;
/** An agent that was not heard for this long: the server would have called it down by then. */
const AGENT_SILENCE_S = 120;
/** A buffer older than this is catching up. */
const BACKFILL_S = 30;
/** Agents say something each 15 s; one that has not is silent, and offline from here on. */
const SILENT_S = 17;
export const OFFLINE_S = 30;
/** From here on the clock of an agent is worth a word. */
const CLOCK_OFF_MS = 2000;

export const STATES: readonly State[] = ["down", "degraded", "unknown", "up"];

/** Sort rank: what needs a person comes first. */
export const STATE_RANK: Readonly<Record<State, number>> = {
  down: 0,
  degraded: 1,
  unknown: 2,
  up: 3,
};

export const STATE_WORD: Readonly<Record<State, string>> = {
  up: "Up",
  degraded: "Degraded",
  down: "Down",
  unknown: "Unknown",
};

/** What the server tells, and what this side knows better from the agent. */
export type ShownCause = Cause | "agent_unseen" | "agent_revoked" | "credential_damaged";

const CAUSE_WORD: Readonly<Record<ShownCause, string>> = {
  timeout: "no answer",
  auth: "wrong credential",
  unsupported: "not supported",
  unreachable: "unreachable",
  budget: "poll budget spent",
  gap: "gap in the data",
  pending: "for the first poll",
  agent_offline: "agent offline",
  stale: "stale",
  malformed: "broken answer",
  no_credential: "no credential",
  not_permitted: "not permitted",
  unknown_user: "unknown user",
  wrong_auth: "wrong authentication",
  wrong_privacy: "wrong privacy",
  wrong_level: "security level too high",
  level_too_low: "security level too low",
  wrong_clock: "clocks do not agree",
  wrong_context: "unknown context",
  other_source: "answers from another address",
  unresolved: "name does not resolve",
  no_interface: "no such interface",
  packet_loss: "packet loss",
  no_echo: "no echo",
  agent_unseen: "for its agent",
  agent_revoked: "agent revoked",
  credential_damaged: "credential cannot be read",
};

/** In place of the state, where the cause says more. Behind it stands the word of the cause. */
const WORD_OF_CAUSE: Partial<Record<ShownCause, string>> = {
  pending: "Waiting",
  agent_unseen: "Waiting",
  no_credential: "Not asked",
  not_permitted: "Not asked",
  unresolved: "Not asked",
  no_interface: "Not asked",
  credential_damaged: "Not asked",
  agent_revoked: "Not polled",
};

export function stateWord(state: State, cause: ShownCause | null | undefined): string {
  return (cause && state === "unknown" && WORD_OF_CAUSE[cause]) || STATE_WORD[state];
}

/** A newer server may tell causes that have no word here: their names are plain enough. */
export function causeWord(cause: string | null | undefined): string | null {
  const words: Readonly<Partial<Record<string, string>>> = CAUSE_WORD;
  return cause ? (words[cause] ?? cause.replaceAll("_", " ")) : null;
}

const CAUSE_HINT: Partial<Record<ShownCause, string>> = {
  malformed: "The device's answer breaks the SNMP protocol. Update its firmware or poll it less.",
  timeout: "The device did not answer. Check its address, its credential, the SNMP service and any filter on it.",
  auth: "The device refused the credential. Check the community and what it may read.",
  unreachable: "The agent has no route to this address. Check routing at the site.",
  pending: "The agent has the order; the first answer is due within one interval.",
  agent_offline: "The agent of this site is not connected. If it runs, it buffers and catches up later.",
  stale: "The last values are too old to vouch for.",
  budget: "The agent ran out of time for this poll. Raise the interval or spread the load.",
  no_credential: "There is no credential: SNMP asks nothing.",
  not_permitted: "The agent's system does not let it send echo requests. Give it the right (CAP_NET_RAW), or open net.ipv4.ping_group_range for its group.",
  unknown_user: "The device knows no such SNMPv3 user. Check the user name, or make the user on the device.",
  wrong_auth: "The device refused the authentication. Check the password and the protocol, such as SHA-256.",
  wrong_privacy: "The device could not read what it was sent. Check the privacy password and the protocol, such as AES-128.",
  wrong_level: "This user has no privacy, or no authentication, on the device. Ask at a lower level, or set the user's keys there.",
  level_too_low: "The user may read nothing at this level of security: the device wants a higher one, or lets this user read nothing at all. Add authentication and privacy, or give the user read access.",
  wrong_clock: "The clocks of agent and device do not agree, even after they were set anew. Check the engine time of the device; a restart of its SNMP service may help.",
  wrong_context: "The device has no such SNMPv3 context. Check its name; most devices take none.",
  other_source: "It answers from another address, which strict source refuses. Turn on «Accept replies from other addresses», or give it the address that it answers from.",
  unresolved: "The name does not resolve on the agent's host. Check the name, or the DNS that host uses.",
  no_interface: "There is no network interface of the name behind the «%» on the agent's host. Check the end of the address.",
  packet_loss: "Some of the answers are lost on the way. Check the link and its load; the chart shows since when.",
  no_echo: "It answers over SNMP and lately not to echo requests. A firewall may have come in between; after ten bursts without an answer they do not count any more.",
  agent_unseen: "Its agent has never connected. Start it at the site; the first poll follows when it connects.",
  credential_damaged: "What is stored of its credential cannot be read: it was altered, or sealed under a key that is gone. SNMP asks nothing.",
  agent_revoked: "Its agent is revoked, so nobody asks it. Give it to another agent: «Edit device», then «Agent».",
};

/** In place of a value that is missing: why. */
export function missingWord(cause: ShownCause | null | undefined): string {
  return cause === "pending" ? "waiting" : (causeWord(cause) ?? "not known");
}

export function causeHint(cause: string | null | undefined): string | null {
  const hints: Readonly<Partial<Record<string, string>>> = CAUSE_HINT;
  return cause ? (hints[cause] ?? null) : null;
}

export function ageSeconds(at: string | null | undefined, nowMs: number): number | null {
  if (!at) return null;
  return Math.max(0, (nowMs - Date.parse(at)) / 1000);
}

/** Good news that got too old is unknown, whatever was said last. */
function aged(state: State, at: string | null | undefined, limitS: number, nowMs: number): State {
  if (state !== "up" && state !== "degraded") return state;
  const age = ageSeconds(at, nowMs);
  return age === null || age > limitS ? "unknown" : state;
}

/** How long the news of a device that is polled each `intervalS` are good. */
function trustS(intervalS: number): number {
  return Math.max(UNKNOWN_FLOOR_S, UNKNOWN_INTERVALS * intervalS);
}

type Timed = Pick<Device, "state" | "cause" | "last_sample_at" | "interval_s">;

/** What may be said of a device that never answered: all of it means that nothing is known yet. */
const NO_NEWS: ReadonlySet<string | null> = new Set([null, "pending", "waiting", "stale"]);

/** What a page may know besides the row of a device; what it does not know is left out. */
interface Known {
  agent?: Pick<Agent, "last_seen_at" | "revoked_at"> | undefined;
}

/** Causes that an agent which cannot answer explains better. */
const OF_AGENT: ReadonlySet<string | null> = new Set(["pending", "agent_offline", "stale"]);

/** The state to show of a device. */
export function shownState(
  device: Timed, nowMs: number, { agent }: Known = {},
): { state: State; cause: ShownCause | null } {
  const state = aged(device.state, device.last_sample_at, trustS(device.interval_s), nowMs);
  const told = state === device.state ? device.cause : "stale";
  if (state !== "unknown") return { state, cause: told };
  const cause = !device.last_sample_at && NO_NEWS.has(told) ? "pending" : told;
  if (agent?.revoked_at && OF_AGENT.has(cause)) return { state, cause: "agent_revoked" };
  const isUnseen = agent && !agent.last_seen_at && (cause === "pending" || cause === "agent_offline");
  return { state, cause: isUnseen ? "agent_unseen" : cause };
}

/** The state to show of one way of asking a device: echo or SNMP. */
export function shownAsked(
  asked: Pick<Icmp, "state" | "cause" | "at">, intervalS: number, nowMs: number,
): { state: State; cause: ShownCause | null } {
  const state = aged(asked.state, asked.at, trustS(intervalS), nowMs);
  return { state, cause: state === asked.state ? asked.cause : "stale" };
}

/** The state to show of an interface whose device is polled each `intervalS`. */
export function shownPort(
  port: Pick<Interface, "state" | "updated_at">,
  intervalS: number,
  nowMs: number,
): State {
  const limit = Math.max(PORT_FLOOR_S, UNKNOWN_INTERVALS * intervalS);
  return aged(port.state, port.updated_at, limit, nowMs);
}

/** The state to show of an agent. */
export function shownAgent(agent: Pick<Agent, "state" | "last_seen_at">, nowMs: number): State {
  return aged(agent.state, agent.last_seen_at, AGENT_SILENCE_S, nowMs);
}

/** How old the oldest was of what an agent kept, when it was heard last: one that has fallen silent keeps no more for that. */
export function keptS(agent: Pick<Agent, "buffer" | "last_seen_at"> | undefined, nowMs: number): number | null {
  const heard = agent?.last_seen_at ? Math.min(nowMs, Date.parse(agent.last_seen_at)) : nowMs;
  return ageSeconds(agent?.buffer?.oldest_at, heard);
}

/** True while an agent sends what it kept through an outage. */
export function isBackfilling(agent: Pick<Agent, "buffer" | "last_seen_at"> | undefined, nowMs: number): boolean {
  return (keptS(agent, nowMs) ?? 0) > BACKFILL_S;
}

/** For how many seconds nothing was heard of an agent that counts as connected; null where that is nothing to tell. */
export function silentS(agent: Pick<Agent, "state" | "last_seen_at">, nowMs: number): number | null {
  const state = shownAgent(agent, nowMs);
  const age = state === "up" || state === "degraded" ? ageSeconds(agent.last_seen_at, nowMs) : null;
  return age !== null && age > SILENT_S ? Math.floor(age) : null;
}

/** Its samples bear a wrong time. `offsetMs`: what is to be added to its times. */
export function isClockOff(offsetMs: number | null): boolean {
  return Math.abs(offsetMs ?? 0) > CLOCK_OFF_MS;
}

/** How many of the devices are shown otherwise than they were told, as their news got too old. */
export function agedCount(devices: readonly Device[], nowMs: number): number {
  let count = 0;
  for (const device of devices) if (shownState(device, nowMs).state !== device.state) count += 1;
  return count;
}

/** The devices with the states to show. */
export function shownDevices(devices: readonly Device[], nowMs: number): readonly Device[] {
  return devices.map((device) => {
    const { state } = shownState(device, nowMs);
    return state === device.state ? device : { ...device, state };
  });
}

export function isDim(at: string | null | undefined, intervalS: number, nowMs: number): boolean {
  const age = ageSeconds(at, nowMs);
  return age === null || age > DIM_INTERVALS * intervalS;
}
