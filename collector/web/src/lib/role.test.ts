import { expect, it } from "vitest";
import { mayBy, roleWord } from "./role";

it.each([
  ["viewer", false, false, false],
  ["operator", true, false, false],
  ["tenant_admin", true, true, false],
  ["super_admin", true, true, true],
  ["a role of a later release", true, true, true],
  ["toString", true, true, true],
  [undefined, false, false, false],
])("%s", (role, write, admin, provider) => {
  expect(mayBy(role)).toEqual({ write, admin, provider, visit: admin });
});

it("shows provider access to who gives it and to who has it", () => {
  expect([mayBy("viewer", true).visit, mayBy("viewer", false).visit]).toEqual([true, false]);
});

it("says a role in words, an unknown one as it stands", () => {
  expect([roleWord("tenant_admin"), roleWord("auditor")]).toEqual(["Administrator", "auditor"]);
});
