import { expect, it } from "vitest";
import { Names, type Placed } from "./names";

const ref = (name: string) => ({ id: name, name });
function at(tenant: string, site: string, name: string, address?: string): Placed {
  const place = { tenant: ref(tenant), site: { id: `${tenant} ${site}`, name: site } };
  return { name, ...place, ...(address === undefined ? {} : { address }) };
}

it("leaves a name alone that is seen at one site only", () => {
  const row = at("Alpine Fibre", "Depot", "core-1", "10.0.0.1");
  const names = new Names([row, at("Alpine Fibre", "Depot", "core-1", "10.0.0.1")]);
  expect(names.name(row)).toBe("core-1");
});

it("tells apart what two tenants call alike", () => {
  const [a, b] = [at("Alpine Fibre", "Depot", "192.168.88.1", "192.168.88.1"), at("Borealis", "Depot", "192.168.88.1")];
  const names = new Names([a, b]);
  expect(names.name(a)).toBe("192.168.88.1.depot.alpine-fibre");
  expect(names.name(b)).toBe("192.168.88.1.depot.borealis");
});

it("tells apart two sites of one tenant, whatever the case", () => {
  const [a, b] = [at("T", "Rooftop North", "Core-1"), at("T", "Straße 5", "core-1")];
  const names = new Names([a, b]);
  expect([names.name(a), names.name(b)]).toEqual(["core-1.rooftop-north.t", "core-1.straße-5.t"]);
});

it("knows that the name of an unnamed device is an address", () => {
  const unnamed = at("A", "S", "192.168.88.1", "192.168.88.1");
  const named = at("B", "S", "gw", "192.168.88.1");
  const names = new Names([unnamed, named]);
  expect(names.name(unnamed)).toBe("192.168.88.1.s.a");
  expect(names.name(named)).toBe("gw");
});

it("tells apart a row that was not counted, and keeps a name without letters", () => {
  const names = new Names([at("A", "S", "gw")]);
  expect(names.name(at("!!", "S", "gw"))).toBe("gw.s.!!");
});

it.each([
  ["Router 1", "router-1"],
  ["  Edge (new) ", "edge-new"],
  ["core_1.example.net", "core_1.example.net"],
  ["[2001:db8::1]:161", "[2001:db8::1]:161"],
])("makes one word of «%s», as it does of its site", (name, word) => {
  const [a, b] = [at("Alpine Fibre", "Summit", name), at("Alpine Fibre", "Old Depot", name)];
  const names = new Names([a, b]);
  expect([names.name(a), names.name(b)]).toEqual([`${word}.summit.alpine-fibre`, `${word}.old-depot.alpine-fibre`]);
});
