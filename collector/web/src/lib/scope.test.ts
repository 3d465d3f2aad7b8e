import { afterEach, expect, it } from "vitest";
import { isInScope, narrowed, rememberedTenant, rememberTenant, scopeOf, settledTenant } from "./scope";

const alpine = { id: "ten_a", name: "Alpine" };
const borealis = { id: "ten_b", name: "Borealis" };
const both = [alpine, borealis];

afterEach(() => rememberTenant(null));

it.each([
  ["nothing asked, nothing remembered", both, undefined, null, undefined],
  ["the URL leads", both, "ten_b", "ten_a", "ten_b"],
  ["remembered", both, undefined, "ten_a", "ten_a"],
  ["a tenant of somebody else", both, "ten_x", null, undefined],
  ["remembered by somebody else", both, undefined, "ten_x", undefined],
  ["the only one is no choice", [alpine], "ten_a", "ten_a", undefined],
])("settles ?tenant=: %s", (_, tenants, asked, remembered, expected) => {
  expect(settledTenant(tenants, asked, remembered)).toBe(expected);
});

it("narrows lists to the chosen one", () => {
  const all = scopeOf(both, undefined);
  const one = scopeOf(both, "ten_b");
  expect([all.isMixed, one.isMixed, scopeOf([alpine], undefined).isMixed]).toEqual([true, false, false]);
  expect([narrowed(all), narrowed(one)]).toEqual([{}, { tenant: "ten_b" }]);
  const row = { tenant: alpine };
  expect([isInScope(all, row), isInScope(one, row)]).toEqual([true, false]);
});

it("orders tenants as people do, whatever their case", () => {
  const low = { id: "ten_c", name: "alpine two" };
  expect(scopeOf([borealis, low, alpine], undefined).tenants).toEqual([alpine, low, borealis]);
});

it("remembers and forgets", () => {
  rememberTenant("ten_a");
  expect(rememberedTenant()).toBe("ten_a");
  rememberTenant(null);
  expect(rememberedTenant()).toBeNull();
});
