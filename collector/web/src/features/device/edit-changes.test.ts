import { expect, it } from "vitest";
import type { DeviceDetail } from "../../lib/types";
import { NEW_DRAFT } from "../credentials/snmp-draft";
import { changed, credentialHint, credentialWords, draftWas } from "./edit-changes";
import { USUAL } from "./option-fields";

const user = { name: "ops", auth: "sha256", privacy: "aes128", context: "" } as const;
const own = { version: "v2c", credential: "own", profile: null, kind: "snmp_community", user: null, damaged: false } as const;
const ownUser = { ...own, version: "v3", kind: "snmp_user", user } as const;
const detail = {
  name: "r1", address: "10.0.0.1", agent: { id: "agt_1", name: "a" }, interval_s: 60, tags: ["core", "edge"],
  snmp: own, ping: true, strict_source: false, request_gap_ms: 0, missing: [],
} as unknown as DeviceDetail;
const same = {
  name: "r1", address: "10.0.0.1", agent: "agt_1", interval_s: 60, tags: ["edge", "core"], draft: NEW_DRAFT, options: USUAL,
} as const;

it("sends nothing that is the same, whatever the order of the tags", () => {
  expect(changed(detail, same)).toEqual({});
  const v3 = { ...detail, snmp: ownUser };
  expect(changed(v3, { ...same, draft: draftWas(v3) })).toEqual({});
});

it("sends an empty name, which is the device's own, and a community only if one was typed", () => {
  const draft = { ...NEW_DRAFT, community: "new" };
  expect(changed(detail, { ...same, name: "", draft })).toEqual({ name: "", snmp: { community: "new" } });
});

it("sends a user with the version, or the version alone", () => {
  const draft = { ...NEW_DRAFT, version: "v3", name: "ops", authPassword: "12345678", privacy: "none" } as const;
  expect(changed(detail, { ...same, draft })).toEqual({
    snmp: { version: "v3", user: { name: "ops", auth: "sha256", auth_password: "12345678", privacy: "none" } },
  });
  expect(changed(detail, { ...same, draft: { ...NEW_DRAFT, version: "v1" } })).toEqual({ snmp: { version: "v1" } });
});

it("never takes the user of a profile for the device's own", () => {
  expect(draftWas({ snmp: { ...ownUser, credential: "profile" } }).name).toBe("");
  expect(draftWas({ snmp: ownUser })).toMatchObject({ name: "ops", authPassword: "", privacyPassword: "" });
});

it("sends options that differ", () => {
  expect(changed(detail, { ...same, options: { ping: false, strict_source: false, gap: "50" } })).toEqual({ ping: false, request_gap_ms: 50 });
});

it("says which credential is in force", () => {
  const profile = { id: "crd_1", name: "Core switches" };
  expect(credentialWords(own)).toBe("own community");
  expect(credentialWords(ownUser)).toBe("own user ops · SHA-256/AES-128");
  expect(credentialWords({ ...own, credential: "profile", profile })).toBe("profile Core switches");
  expect(credentialWords({ ...ownUser, credential: "profile", profile })).toBe("profile Core switches, ops · SHA-256/AES-128");
  expect(credentialWords({ ...own, credential: "none", kind: null })).toBe("no credential");
});

it("says what becomes of a credential that is left as it stands", () => {
  expect(credentialHint({ ...own, credential: "none", kind: null }, "v2c")).toContain("asks it nothing");
  expect(credentialHint(own, "v1")).toContain("it stays");
  expect(credentialHint(own, "v3")).toContain("is deleted");
  expect(credentialHint(ownUser, "v3")).toContain("type the passwords too");
});
