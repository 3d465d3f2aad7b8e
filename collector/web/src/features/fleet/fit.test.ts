import { expect, it } from "vitest";
import { columns } from "./columns";
import { fit } from "./fit";
import type { Room } from "./room";

const ALL = columns.map(({ id }) => id);
const VALUES = ["model", "interfaces", "in", "out", "rtt", "loss", "cpu", "uptime"];
const room = (more: Partial<Room> = {}): Room =>
  ({ state: 18, name: 29, tenant: 11, site: 5, address: 12, model: 20, told: new Set(VALUES), ...more });
const at = (width: number, of = room(), isChosen = false) => fit(ALL, of, { width, digit: 8 }, isChosen);
const px = (template: string) => template.match(/\d+(?=px)/g)?.map(Number) ?? [];
const line = (template: string) => px(template).reduce((all, one) => all + one + 14, 44 - 14);

it("leaves out the columns of which no device tells anything", () => {
  expect(at(1440, room({ told: new Set(["rtt"]) })).shown).toEqual(["state", "name", "tenant", "site", "address", "rtt", "age"]);
  expect(at(1920).shown).toEqual(ALL);
});

it("leaves out what is least needed before a name or an address is cut", () => {
  const { shown, template } = at(1440, room({ address: 36 }));
  expect(shown).not.toContain("cpu");
  expect(shown).toEqual(expect.arrayContaining(["in", "out", "rtt"]));
  const [, name, , , address] = px(template);
  expect([name, address]).toEqual([29 * 8, 36 * 8]);
});

it("leaves out columns before a short cause is cut", () => {
  const widths = Array.from({ length: 120 }, (_, i) => at(600 + 7 * i)).filter(({ shown }) => shown.length > 4);
  expect(new Set(widths.map(({ template }) => px(template)[0]))).toEqual(new Set([18 * 8 + 58]));
});

it("fits every width that is no phone's", () => {
  for (let width = 768; width < 2000; width += 7) {
    for (const of of [room(), room({ address: 36, state: 36, name: 36, tenant: 22, site: 22, model: 30 })]) {
      const { shown, template } = at(width, of);
      expect(line(template)).toBeLessThanOrEqual(width);
      expect(shown.slice(0, 2)).toEqual(["state", "name"]);
      expect(shown).toContain("age");
    }
  }
});

it("keeps what somebody has chosen", () => {
  expect(at(500, room({ told: new Set() }), true).shown).toEqual(ALL);
});
