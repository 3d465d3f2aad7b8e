/** What of a device is changed in its form, and what is said of its credential. */
import type { DeviceDetail, SnmpVersion } from "../../lib/types";
import { credentialOf, draftOf, isGiven, type SentCredential, type SnmpDraft } from "../credentials/snmp-draft";
import { isV3, userWords } from "../credentials/snmp-words";
import { type Options, optionsSent } from "./option-fields";

interface Form {
  name: string;
  address: string;
  agent: string;
  interval_s: number;
  tags: readonly string[];
  draft: SnmpDraft;
  options: Options;
}

interface Change {
  name?: string;
  address?: string;
  agent?: string;
  interval_s?: number;
  tags?: string[];
  snmp?: { version?: SnmpVersion } & Partial<SentCredential>;
  ping?: boolean;
  strict_source?: boolean;
  request_gap_ms?: number;
}

/** What of its own credential may be shown: that of a profile is the profile's. */
export function draftWas({ snmp }: Pick<DeviceDetail, "snmp">): SnmpDraft {
  return draftOf(snmp.version, snmp.credential === "own" ? snmp.user : null);
}

export function optionsOf({ ping, strict_source, request_gap_ms: gap }: DeviceDetail): Options {
  return { ping, strict_source, gap: String(gap) };
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
  if (is.draft.version !== was.snmp.version) snmp.version = is.draft.version;
  if (isGiven(is.draft, draftWas(was))) Object.assign(snmp, credentialOf(is.draft));
  if (Object.keys(snmp).length > 0) change.snmp = snmp;
  return { ...change, ...optionsSent(is.options, optionsOf(was)) };
}

type Snmp = DeviceDetail["snmp"];

/** What a credential that is left as it stands means. */
export function credentialHint({ credential, profile, version }: Snmp, chosen: SnmpVersion): string {
  const isOther = isV3(version) !== isV3(chosen);
  if (credential === "own" && isOther) return "Its own credential does not go with this version and is deleted. Left empty, that of a credential profile is used.";
  if (credential === "own") return isV3(chosen) ? "Left as it is, it stays. To change something of it, type the passwords too: they are never shown." : "Left empty, it stays. It is never shown.";
  if (credential === "profile" && !isOther) return `Left empty, that of the profile «${profile?.name ?? ""}» is used.`;
  if (isOther) return "Left empty, the credential profile that fits is used.";
  return "It has none, and no profile fits: SNMP asks it nothing until there is one. Echo requests go on.";
}

/** The credential in force: «own community», «profile Core switches, ops · SHA-256/AES-128». */
export function credentialWords({ credential, profile, kind, user }: Snmp): string {
  if (credential === "none") return "no credential";
  const about = user ? userWords(user) : "";
  if (credential === "own") return kind === "snmp_user" ? `own user ${about}`.trim() : "own community";
  return [`profile ${profile?.name ?? ""}`, about].filter(Boolean).join(", ");
}
