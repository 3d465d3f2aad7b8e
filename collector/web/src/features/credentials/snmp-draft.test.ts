import { expect, it } from "vitest";
import { credentialOf, draftOf, draftWrong, hasPrivacy, isGiven, NEW_DRAFT, snmpErrors } from "./snmp-draft";
import { userWords } from "./snmp-words";

const user = { name: "ops", auth: "sha256", privacy: "aes128", context: "" } as const;
const typed = { ...NEW_DRAFT, version: "v3", name: "ops", authPassword: "correct horse", privacyPassword: "battery staple" } as const;

it("sends a user whole, and nothing that goes with another level", () => {
  expect(credentialOf(typed)).toEqual({
    user: { name: "ops", auth: "sha256", auth_password: "correct horse", privacy: "aes128", privacy_password: "battery staple" },
  });
  expect(credentialOf({ ...typed, auth: "none" })).toEqual({ user: { name: "ops", auth: "none", privacy: "none" } });
  expect(credentialOf({ ...typed, privacy: "none", context: "vrf-1" })).toEqual({
    user: { name: "ops", auth: "sha256", auth_password: "correct horse", privacy: "none", context: "vrf-1" },
  });
  expect(credentialOf({ ...typed, version: "v1", community: "public" })).toEqual({ community: "public" });
  expect(hasPrivacy({ auth: "none", privacy: "aes128" })).toBe(false);
});

it("tells limits before anything is sent, in bytes as the device counts", () => {
  expect(draftWrong(typed)).toEqual({});
  expect(draftWrong({ ...typed, authPassword: "short" })).toEqual({ "user.auth_password": "It has 5 characters; SNMPv3 wants 8 or more." });
  expect(draftWrong({ ...typed, authPassword: "ööää" })).toEqual({});
  expect(Object.keys(draftWrong({ ...typed, name: "n".repeat(33), privacyPassword: "" }))).toEqual(["user.name", "user.privacy_password"]);
  expect(draftWrong({ ...typed, auth: "none", authPassword: "", privacyPassword: "" })).toEqual({});
  expect(draftWrong({ ...NEW_DRAFT, community: "c".repeat(256) })).toHaveProperty("community");
});

it("knows a credential that is typed from one that is left as it is", () => {
  expect(isGiven(NEW_DRAFT)).toBe(false);
  expect(isGiven({ ...NEW_DRAFT, version: "v3", auth: "md5" })).toBe(false);
  expect(isGiven({ ...NEW_DRAFT, community: "c" })).toBe(true);
  const was = draftOf("v3", user);
  expect(isGiven(was, was)).toBe(false);
  expect(isGiven({ ...was, auth: "sha512" }, was)).toBe(true);
  expect(isGiven({ ...was, version: "v2c" }, was)).toBe(false);
});

it("finds the server's word on a credential wherever it stood in the body", () => {
  const fields = { "snmp.user.auth_password": "a", "change.snmp.community": "b", "credentials[0].user.name": "c", address: "d", "user.context": "e" };
  expect(snmpErrors(fields)).toEqual({ "user.auth_password": "a", community: "b", "user.name": "c", "user.context": "e" });
});

it("tells of a credential what may be told", () => {
  expect(userWords({ ...user, privacy: "none", context: "vrf-1" })).toBe("ops · SHA-256, no privacy · context vrf-1");
  expect(userWords({ ...user, auth: "none", privacy: "none" })).toBe("ops · no authentication");
});
