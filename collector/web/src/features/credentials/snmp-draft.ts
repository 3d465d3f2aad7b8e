/** A credential as it stands in a form, what is wrong with it, and what is sent of it. */
import type { NewSnmpUser, SnmpAuth, SnmpPrivacy, SnmpUser, SnmpVersion } from "../../lib/types";
import { isV3 } from "./snmp-words";

export interface SnmpDraft {
  version: SnmpVersion;
  community: string;
  name: string;
  auth: SnmpAuth;
  authPassword: string;
  privacy: SnmpPrivacy;
  privacyPassword: string;
  context: string;
}

/** What most networks run that take care: the strongest that nearly every device knows. */
export const NEW_DRAFT: SnmpDraft = {
  version: "v2c", community: "", name: "", auth: "sha256", authPassword: "", privacy: "aes128", privacyPassword: "", context: "",
};

/** Of what is in force; a secret is never among it. */
export function draftOf(version: SnmpVersion, user: SnmpUser | null): SnmpDraft {
  return { ...NEW_DRAFT, version, ...user };
}

/** A credential is typed, rather than left to what is there or to a credential profile. */
export function isGiven(draft: SnmpDraft, was: SnmpDraft = NEW_DRAFT): boolean {
  if (!isV3(draft.version)) return draft.community !== "";
  const typed = draft.authPassword !== "" || draft.privacyPassword !== "" || draft.name !== was.name || draft.context !== was.context;
  return typed || (was.name !== "" && (draft.auth !== was.auth || draft.privacy !== was.privacy));
}

/** RFC 3411 and RFC 3414 count bytes. */
const NAME_MAX = 32;
const PASSWORD_MIN = 8;
const BYTES_MAX = 255;

function size(text: string): number {
  return new TextEncoder().encode(text).length;
}

function passwordWrong(password: string): string | null {
  if (password === "") return "A password is needed.";
  if (size(password) < PASSWORD_MIN) return `It has ${size(password)} characters; SNMPv3 wants 8 or more.`;
  return size(password) > BYTES_MAX ? "It is too long: 255 at most." : null;
}

type Wrong = Readonly<Record<string, string>>;

/** By the names that the server gives the fields. Nothing of a credential that is not given is wrong. */
export function draftWrong(draft: SnmpDraft): Wrong {
  if (!isV3(draft.version)) return size(draft.community) > BYTES_MAX ? { community: "It is too long: 255 at most." } : {};
  const wrong: Record<string, string | null> = {
    "user.name": draft.name === "" ? "A user name is needed." : size(draft.name) > NAME_MAX ? "It is too long: 32 at most." : null,
    "user.context": size(draft.context) > BYTES_MAX ? "It is too long: 255 at most." : null,
    "user.auth_password": draft.auth === "none" ? null : passwordWrong(draft.authPassword),
    "user.privacy_password": hasPrivacy(draft) ? passwordWrong(draft.privacyPassword) : null,
  };
  return Object.fromEntries(Object.entries(wrong).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** SNMPv3 has no privacy without authentication. */
export function hasPrivacy({ auth, privacy }: Pick<SnmpDraft, "auth" | "privacy">): boolean {
  return auth !== "none" && privacy !== "none";
}

export type SentCredential = { community: string } | { user: NewSnmpUser };

/** The credential whole: nobody can read a password to send it again. */
export function credentialOf(draft: SnmpDraft): SentCredential {
  if (!isV3(draft.version)) return { community: draft.community };
  const user: NewSnmpUser = { name: draft.name, auth: draft.auth, privacy: hasPrivacy(draft) ? draft.privacy : "none" };
  if (draft.auth !== "none") user.auth_password = draft.authPassword;
  if (hasPrivacy(draft)) user.privacy_password = draft.privacyPassword;
  if (draft.context) user.context = draft.context;
  return { user };
}

/** The server's word on a credential, wherever in the body it stood. */
export function snmpErrors(fields: Wrong): Wrong {
  const within = /^(?:change\.)?(?:snmp\.|credentials\[\d+\]\.)?((?:version|community|user)(?:\.\w+)?)$/;
  const found = Object.entries(fields).flatMap(([field, message]) => {
    const name = within.exec(field)?.[1];
    return name ? [[name, message] as const] : [];
  });
  return Object.fromEntries(found);
}

/** All names under which a form shows what is wrong with a credential. */
const NAMES = ["version", "community", "user", "user.name", "user.auth", "user.auth_password", "user.privacy", "user.privacy_password", "user.context"];
export const SNMP_SHOWS: readonly string[] = ["", "snmp.", "change.snmp.", "change."].flatMap((within) => NAMES.map((name) => within + name));
