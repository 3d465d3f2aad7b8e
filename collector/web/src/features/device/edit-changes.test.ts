import { expect, it } from "vitest";
import type { DeviceDetail } from "../../lib/types";
import { changed, communityHint, credentialWords } from "./edit-changes";

const detail = {
  name: "r1", address: "10.0.0.1", agent: { id: "agt_1", name: "a" }, interval_s: 60, tags: ["core", "edge"],
  snmp: { version: "v2c", credential: "own", profile: null },
} as unknown as DeviceDetail;
const same = {
  name: "r1", address: "10.0.0.1", agent: "agt_1", version: "v2c", interval_s: 60, tags: ["edge", "core"], community: "",
} as const;

it("sends nothing that is the same, whatever the order of the tags", () => {
  expect(changed(detail, same)).toEqual({});
});

it("sends an empty name, which is the device's own, and a community only if one was typed", () => {
  expect(changed(detail, { ...same, name: "", community: "new" })).toEqual({ name: "", snmp: { community: "new" } });
});

it("says which credential is in force", () => {
  const profile = { id: "crd_1", name: "Core switches" };
  expect(credentialWords({ version: "v2c", credential: "profile", profile, kind: "snmp_community", user: null })).toBe("profile Core switches");
  expect(communityHint({ version: "v2c", credential: "none", profile: null, kind: null, user: null })).toContain("asks it nothing");
});
