import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it } from "vitest";
import { mayBy, type Role, roleWord, useMayIn, useMayMake, useTenantsFor } from "./role";
import { ScopeContext, scopeOf } from "./scope";
import { meQuery } from "./session";

afterEach(cleanup);

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

/** Operator in North, viewer in South; `highest` is what the sign-in tells of them. */
function seen<T>(highest: Role, read: () => T, chosen?: string): T {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  client.setQueryData(meQuery.queryKey, { user: { role: highest, staff: false }, tenants: [] } as never);
  const scope = scopeOf([{ id: "n", name: "North", role: "operator" }, { id: "s", name: "South", role: "viewer" }], chosen);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}><ScopeContext value={scope}>{children}</ScopeContext></QueryClientProvider>
  );
  return renderHook(read, { wrapper }).result.current;
}

it("judges what belongs to a tenant by the role in that tenant, not by the highest one", () => {
  const mayIn = seen("operator", useMayIn);
  expect([mayIn("n").write, mayIn("s").write, mayIn("n").admin, mayIn("another").write]).toEqual([true, false, false, false]);
  expect(seen("super_admin", useMayIn)("s").admin).toBe(true);
});

it("offers the tenants in which something can be made", () => {
  const ids = (need: "write" | "admin", highest: Role = "operator") => seen(highest, () => useTenantsFor(need)).map(({ id }) => id);
  expect(ids("write")).toEqual(["n"]);
  expect(ids("admin")).toEqual([]);
  expect(ids("admin", "super_admin")).toEqual(["n", "s"]);
});

it("lets make something only where it may be in the tenant that is chosen", () => {
  const may = (chosen?: string, highest: Role = "operator") => seen(highest, () => useMayMake("write"), chosen);
  expect([may(), may("n"), may("s"), may("s", "super_admin")]).toEqual([true, true, false, true]);
});
