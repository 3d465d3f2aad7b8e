import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";
import { guard, type Need } from "./guard";
import { meQuery } from "./session";

function opened(need: Need, role: string): Error | null {
  const queries = new QueryClient();
  queries.setQueryData(meQuery.queryKey, { user: { role }, tenants: [], version: "0" } as never);
  try {
    guard(need)({ context: { queries } });
    return null;
  } catch (error) {
    return error as Error;
  }
}

it.each([
  ["admin", "viewer", false],
  ["admin", "operator", false],
  ["admin", "tenant_admin", true],
  ["provider", "tenant_admin", false],
  ["provider", "super_admin", true],
  ["write", "operator", true],
] as const)("a page that needs %s, for a %s", (need, role, isOpen) => {
  const refused = expect.objectContaining({ name: "Refused", need, role });
  expect(opened(need, role)).toEqual(isOpen ? null : refused);
});
