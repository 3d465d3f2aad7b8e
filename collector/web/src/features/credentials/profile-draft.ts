/** The credential of a profile as it stands in a form: of SNMP in two kinds, or a login by SSH. */
import type { CredentialProfile } from "../../lib/types";
import { isLoginGiven, type LoginDraft, loginDraftOf, loginOf, loginWrong } from "./login-draft";
import { credentialOf, draftOf, draftWrong, isGiven, type SentCredential, type SnmpDraft } from "./snmp-draft";

export type Sort = "v2c" | "v3" | "ssh";

export interface ProfileDraft {
  sort: Sort;
  snmp: SnmpDraft;
  login: LoginDraft;
}

const SORT: Readonly<Record<CredentialProfile["kind"], Sort>> = { snmp_community: "v2c", snmp_user: "v3", ssh_login: "ssh" };
const KIND: Readonly<Record<Sort, CredentialProfile["kind"]>> = { v2c: "snmp_community", v3: "snmp_user", ssh: "ssh_login" };

export function profileDraftOf(profile: Pick<CredentialProfile, "kind" | "user" | "login"> | null): ProfileDraft {
  const sort = SORT[profile?.kind ?? "snmp_community"];
  return { sort, snmp: draftOf(sort === "v3" ? "v3" : "v2c", profile?.user ?? null), login: loginDraftOf(profile?.login ?? null) };
}

/** Another sort is asked for; what was typed for the others is kept. */
export function withSort(draft: ProfileDraft, sort: Sort): ProfileDraft {
  return { ...draft, sort, snmp: sort === "ssh" ? draft.snmp : { ...draft.snmp, version: sort } };
}

export function isProfileGiven(is: ProfileDraft, was: ProfileDraft): boolean {
  return is.sort === "ssh" ? isLoginGiven(is.login, was.login) : isGiven(is.snmp, was.snmp);
}

export function profileWrong({ sort, snmp, login }: ProfileDraft): Readonly<Record<string, string>> {
  return sort === "ssh" ? loginWrong(login) : draftWrong(snmp);
}

/** What is sent of it, whole. */
export function sentOf({ sort, snmp, login }: ProfileDraft): SentCredential | { login: ReturnType<typeof loginOf> } {
  return sort === "ssh" ? { login: loginOf(login) } : credentialOf(snmp);
}

export function kindOf({ sort }: ProfileDraft): CredentialProfile["kind"] {
  return KIND[sort];
}
