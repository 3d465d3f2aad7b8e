import { expect, it } from "vitest";
import { draftOf, draftWrong, localClock, policyOf } from "./policy-draft";
import type { Policy } from "./types";

const policy: Policy = {
  mirror: { state: "off", detail: null, last_commit_at: null },
  tenant: { id: "ten_1", name: "Alpine" }, enabled: true, every_s: 86_400, window: null, per_site_max: 4, keep_days: 365,
  keep_versions: 20, is_default: true,
};
const draft = draftOf(policy);

it("sends what it was given, where nothing is changed", () => {
  const { tenant: _, is_default: __, mirror: ___, ...rest } = policy;
  expect(policyOf(draft, "ten_1")).toEqual({ ...rest, tenant: "ten_1" });
  const withWindow = { ...policy, window: { from: "22:00", to: "04:30" } };
  expect(policyOf(draftOf(withWindow), "ten_1").window).toEqual({ from: "22:00", to: "04:30" });
});

it("says what is wrong, and of the window only while there is one", () => {
  expect(draftWrong(draft)).toEqual({});
  expect(draftWrong({ ...draft, from: "" })).toEqual({});
  expect(draftWrong({ ...draft, hasWindow: true, from: "" })).toHaveProperty("window");
  expect(draftWrong({ ...draft, hasWindow: true, from: "25:00" })).toHaveProperty("window");
  expect(draftWrong({ ...draft, hasWindow: true, from: "05:00" })).toHaveProperty("window");
  expect(draftWrong({ ...draft, hasWindow: true, from: "22:00", to: "04:00" })).toEqual({});
  expect(Object.keys(draftWrong({ ...draft, perSite: "0", keepDays: "x", keepVersions: "1001" }))).toEqual(["per_site_max", "keep_days", "keep_versions"]);
});

it("tells the time of day in UTC as it is here", () => {
  const format = (ms: number) => new Date(ms).toISOString();
  expect(localClock("01:30", Date.UTC(2026, 2, 3, 12), format)).toBe("2026-03-03T01:30:00.000Z");
  expect(localClock("1:30", 0, format)).toBeNull();
});
