/** Platforms, causes, jobs and reasons of configurations, in words. */
import { counted, integer, NONE } from "../../lib/format";
import type { Backup, Job } from "./types";

/** By the ids that agents know. */
export const PLATFORMS: Readonly<Record<string, string>> = {
  aoscx: "Aruba AOS-CX", eos: "Arista EOS", asa: "Cisco ASA", ios: "Cisco IOS, IOS-XE", iosxr: "Cisco IOS-XR", nxos: "Cisco NX-OS",
  fortios: "Fortinet FortiOS", comware: "HPE Comware", procurve: "HPE ProCurve, AOS-S", vrp: "Huawei VRP", junos: "Juniper Junos",
  routeros: "MikroTik RouterOS", netgear: "NETGEAR", opnsense: "OPNsense", pfsense: "pfSense", tplink: "TP-Link",
  vyos: "VyOS, EdgeOS", generic: "Another one",
};

export function platformWord(id: string | null): string {
  return id ? (PLATFORMS[id] ?? id) : NONE;
}

interface Cause {
  word: string;
  /** What to do about it, where the agent has not said so. */
  advice: string;
}

const CAUSES: Readonly<Record<string, Cause>> = {
  no_name: { word: "Name has no address", advice: "Check the name, and the DNS of the site." },
  unreachable: { word: "Unreachable", advice: "There is no way to the device. Check its address and the routes of the site." },
  no_answer: { word: "No answer", advice: "Check the address, the port, and the firewalls on the way." },
  port_closed: { word: "Port closed", advice: "Let the device serve SSH, or name the port in its settings." },
  no_ssh: { word: "Not SSH", advice: "What answers there does not speak SSH. Check the port." },
  hangs_up: { word: "Hangs up", advice: "Check which addresses the device lets in, and whether too many are logged in." },
  host_key: {
    word: "Host key changed",
    advice: "If the device was replaced or set up anew, pin the new key; else somebody may be in between.",
  },
  algorithms: { word: "Old algorithms only", advice: "The device knows none of today's. Update it, or allow broken ones in its settings." },
  login: { word: "Login refused", advice: "Check the user, its password or its key." },
  login_silent: { word: "Login not answered", advice: "Check the servers that the device asks who may log in." },
  private_key: { word: "Private key unreadable", advice: "Give one in OpenSSH's form or PEM, without a passphrase." },
  not_text: { word: "Login is not text", advice: "Type the password or the key of the login again." },
  no_platform: { word: "Unknown platform", advice: "The agent does not know this platform. Update the agent, or choose another platform." },
  closed: { word: "Session ended", advice: "The device ended the session. Check that the user may have a command line." },
  silent: { word: "No prompt", advice: "The device fell silent without a prompt. Choose its platform in the settings." },
  questions: { word: "Device asks questions", advice: "Log in by hand once and see what it asks." },
  refused: { word: "Not allowed to read", advice: "Give the user the right to read the configuration." },
  empty: { word: "Empty configuration", advice: "Check what the user may read." },
  incomplete: { word: "Incomplete", advice: "The configuration ended in its middle. It is tried again by itself." },
  too_much: { word: "Too large", advice: "It is larger than 16 MiB. Check what the device prints." },
  too_slow: { word: "Too slow", advice: "It was given up after 15 minutes: the device or the line to it is too slow." },
  protocol: { word: "SSH failed", advice: "Try ssh by hand from the agent's host." },
  site_key: { word: "Key of marks unusable", advice: "See to history.key in the state directory of the agent." },
  no_room: { word: "No room at the agent", advice: "It keeps what the collector has not taken yet. See why they are apart." },
  agent: { word: "Agent failed", advice: "It failed at what the device sent. Report the device." },
  agent_lost: { word: "Agent lost it", advice: "The agent ended before it was done. It is tried again by itself." },
  agent_too_old: { word: "Agent too old", advice: "This agent cannot fetch configurations yet. Update it." },
  agent_refused: { word: "Agent refused", advice: "The agent had no room for it. It is tried again by itself." },
  login_damaged: { word: "Login cannot be read", advice: "The stored login cannot be opened. Set it again." },
  cancelled: { word: "Taken back", advice: "Somebody took it back while it waited. The schedule goes on." },
  withdrawn: { word: "Withdrawn", advice: "The device was changed meanwhile. The next fetch does as it says now." },
};

/** A cause that this page does not know yet is told as it came. */
export function causeWord(cause: string): string {
  const word = CAUSES[cause]?.word ?? cause.replaceAll("_", " ");
  return word.charAt(0).toUpperCase() + word.slice(1);
}

export function causeAdvice(cause: string, told: string | null): string | null {
  if (!told) return CAUSES[cause]?.advice ?? null;
  const text = told.charAt(0).toUpperCase() + told.slice(1);
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}

export const JOB_WORD: Readonly<Record<Job["state"], string>> = {
  queued: "Queued", running: "Running", done: "Done", failed: "Failed",
};

const WAITS_WORD: Readonly<Record<NonNullable<Job["waits"]>, string>> = {
  agent_offline: "waits for its agent", site_full: "waits for others of its site", window: "waits for its hours",
};

export function isOpen(job: Pick<Job, "state"> | null | undefined): boolean {
  return job?.state === "queued" || job?.state === "running";
}

/** Nothing failed: somebody took it back while it waited, or its device was changed. */
export function isCalledOff({ state, cause }: Pick<Job, "state" | "cause">): boolean {
  return state === "failed" && (cause === "cancelled" || cause === "withdrawn");
}

/** How a job stands, beside the word of its state. */
export function jobNote({ state, waits, cause, changed }: Pick<Job, "state" | "waits" | "cause" | "changed">): string | null {
  if (state === "queued") return waits && WAITS_WORD[waits];
  if (state === "failed") return cause && !isCalledOff({ state, cause }) ? causeWord(cause) : null;
  if (state === "done") return changed === null ? null : changed ? "a new version" : "nothing changed";
  return null;
}

const REASON_WORD: Readonly<Record<string, string>> = {
  schedule: "by schedule", manual: "by hand", hint: "after a change was noticed",
};

/** «by schedule», «by anna@noc.example». A version may not know any more. */
export function reasonWord({ reason, asked_by: by }: { reason: string; asked_by: string | null }): string {
  return reason === "manual" && by ? `by ${by}` : (REASON_WORD[reason] ?? reason);
}

/** Who or what asked for a job, below a head that says so: «anna@noc.example», «schedule». */
export function starterWord(job: { reason: string; asked_by: string | null }): string {
  if (job.reason === "hint") return "a change that was noticed";
  return reasonWord(job).replace(/^by /, "");
}

const WHY_NOT: Readonly<Record<Backup["effective"]["why"], string>> = {
  device: "Switched off for this device.",
  policy: "Switched off by the tenant's policy.",
  no_login: "No login by SSH: neither one of its own nor a profile that fits.",
  agent_too_old: "Its agent cannot fetch configurations yet: update it.",
};

export function whyNot({ why }: Backup["effective"]): string {
  return WHY_NOT[why];
}

/** «+4 −1», or what a first version is. */
export function changeWords({ added, removed }: { added: number; removed: number }): string {
  return `+${integer(added)} −${integer(removed)}`;
}

export function spokenChange({ added, removed }: { added: number; removed: number }): string {
  return `${counted(added, "line")} added, ${integer(removed)} removed`;
}

export const EVERY: readonly { value: string; label: string }[] = [
  { value: "3600", label: "every hour" }, { value: "21600", label: "every 6 hours" }, { value: "43200", label: "every 12 hours" },
  { value: "86400", label: "every day" }, { value: "172800", label: "every 2 days" }, { value: "604800", label: "every week" },
];
