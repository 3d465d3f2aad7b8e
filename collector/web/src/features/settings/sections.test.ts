import { expect, it } from "vitest";
import { mayBy } from "../../lib/role";
import { groupsFor } from "./sections";

const pages = (role: string) => groupsFor(mayBy(role)).flatMap(({ sections }) => sections.map(({ to }) => to));

it("lists a page only for who may open it, and no empty group", () => {
  expect(pages("tenant_admin")).toContain("/settings/api-keys");
  expect(pages("operator")).not.toContain("/settings/api-keys");
  expect(groupsFor(mayBy("viewer")).map(({ label }) => label)).toEqual(["Account", "Organisation"]);
});
