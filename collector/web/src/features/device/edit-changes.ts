/** What of a device is changed in its form, and what is said of its credential. */
import type { DeviceDetail, SnmpVersion } from "../../lib/types";

interface Form {
  name: string;
  address: string;
  agent: string;
  version: SnmpVersion;
  interval_s: number;
  tags: readonly string[];
  /** Empty: it stays. */
  community: string;
}

interface Change {
  name?: string;
  address?: string;
  agent?: string;
  interval_s?: number;
  tags?: string[];
  snmp?: { version?: SnmpVersion; community?: string };
}

/** Only what differs: what somebody else changes meanwhile stays theirs. */
export function changed(was: DeviceDetail, is: Form): Change {
  const change: Change = {};
  if (is.name !== was.name) change.name = is.name;
  if (is.address !== was.address) change.address = is.address;
  if (is.agent !== was.agent.id) change.agent = is.agent;
  if (is.interval_s !== was.interval_s) change.interval_s = is.interval_s;
  if (is.tags.toSorted().join("\n") !== was.tags.toSorted().join("\n")) change.tags = [...is.tags];
  const snmp: Change["snmp"] = {};
  if (is.version !== was.snmp.version) snmp.version = is.version;
  if (is.community) snmp.community = is.community;
  if (Object.keys(snmp).length > 0) change.snmp = snmp;
  return change;
}

type Snmp = DeviceDetail["snmp"];

export function communityHint({ credential, profile }: Snmp): string {
  if (credential === "own") return "Left empty, it stays. It is never shown.";
  if (credential === "profile") return `Left empty, that of the profile «${profile?.name ?? ""}» is used.`;
  return "It has none, and no profile fits: SNMP asks it nothing until there is one. Echo requests go on.";
}

/** The credential in force: «own community», «profile Core switches». */
export function credentialWords({ credential, profile }: Snmp): string {
  if (credential === "own") return "own community";
  return credential === "profile" ? `profile ${profile?.name ?? ""}` : "no credential";
}
