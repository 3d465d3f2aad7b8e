/** What may be told of the credential of a profile, and how it is called. */
import type { CredentialProfile } from "../../lib/types";
import { loginWords } from "./login-draft";
import { userWords } from "./snmp-words";

/** «v3 · ops · SHA-256/AES-128», «SSH · backup · password». */
export function aboutWords({ user, login }: Pick<CredentialProfile, "user" | "login">): string {
  if (login) return `SSH · ${loginWords(login)}`;
  return user ? `v3 · ${userWords(user)}` : "community";
}

export const KIND_WORD: Readonly<Record<CredentialProfile["kind"], string>> = {
  snmp_community: "community", snmp_user: "user", ssh_login: "SSH login",
};
