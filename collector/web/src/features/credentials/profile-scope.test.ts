import { expect, it } from "vitest";
import { isInPlace, scopeWords } from "./profile-scope";

const tenant = { id: "ten_1", name: "Alpine" };
const site = { id: "sit_1", name: "Depot" };
const device = { tenant, site, tags: ["core"] };

it("says in words which devices it is for", () => {
  expect(scopeWords({ tenant, site: null, tag: null })).toBe("all devices");
  expect(scopeWords({ tenant, site, tag: "core" })).toBe("devices tagged «core» of Depot");
});

it("counts a device only where site and tag both fit, and never another tenant's", () => {
  expect(isInPlace({ tenant, site, tag: "core" }, device)).toBe(true);
  expect(isInPlace({ tenant, site, tag: "edge" }, device)).toBe(false);
  expect(isInPlace({ tenant, site: { id: "sit_2", name: "Depot" }, tag: null }, device)).toBe(false);
  expect(isInPlace({ tenant: { id: "ten_2", name: "B" }, site: null, tag: null }, device)).toBe(false);
});
