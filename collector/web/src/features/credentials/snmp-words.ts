/** The protocols of SNMPv3 by the names that people know, and a credential in one line. */
import type { SnmpAuth, SnmpPrivacy, SnmpUser, SnmpVersion } from "../../lib/types";

export const AUTH_WORD: Readonly<Record<SnmpAuth, string>> = {
  none: "none", md5: "MD5", sha1: "SHA-1", sha224: "SHA-224", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512",
};

export const PRIVACY_WORD: Readonly<Record<SnmpPrivacy, string>> = {
  none: "none", des: "DES", aes128: "AES-128", aes192: "AES-192", aes256: "AES-256",
  aes192_cisco: "AES-192, Cisco's", aes256_cisco: "AES-256, Cisco's",
};

/** «ops · SHA-256/AES-128». */
export function userWords({ name, auth, privacy, context }: SnmpUser): string {
  const level = auth === "none" ? "no authentication"
    : privacy === "none" ? `${AUTH_WORD[auth]}, no privacy` : `${AUTH_WORD[auth]}/${PRIVACY_WORD[privacy]}`;
  return [name, level, context && `context ${context}`].filter(Boolean).join(" · ");
}

/** The versions that take the same sort of credential. */
export function isV3(version: SnmpVersion): boolean {
  return version === "v3";
}
