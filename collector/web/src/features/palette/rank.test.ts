import { expect, it } from "vitest";
import { entriesOf, fit, type Group, offered, search, type Target } from "./rank";

const target = (title: string, more: Partial<Target> = {}): Target => ({ id: title, group: "Devices", title, ...more });
const lines = (groups: readonly Group[]) => groups.map(({ label, targets }) => `${label}: ${targets.map(({ id }) => id).join(", ")}`);
const fitOf = (title: string, typed: string, more: Partial<Target> = {}) => {
  const [entry] = entriesOf([target(title, more)]);
  return entry ? fit(entry, typed) : null;
};

it("puts exact before prefix, word start, somewhere and fuzzy", () => {
  const cases: readonly [string, string, number | null][] = [
    ["core-1", "core-1", 0], ["core-10", "core-1", 1], ["north core-1", "core-1", 2], ["north core-1", "co no", 2],
    ["hardcore-1", "core", 4], ["Configurations", "cfgs", 5], ["core-1", "zz", null], ["abc", "ac", null],
  ];
  for (const [title, typed, how] of cases) expect([title, typed, fitOf(title, typed)]).toEqual([title, typed, how]);
});

it("finds a device by its whole address before those that begin like it", () => {
  const entries = entriesOf([target("b", { words: "10.0.0.12" }), target("a", { words: "10.0.0.1" })]);
  expect(search(entries, "10.0.0.1", []).flatMap(({ targets }) => targets.map(({ title }) => title))).toEqual(["a", "b"]);
});

it("finds by words that are not in the title", () => {
  expect(fitOf("edge-1", "cisco depot", { detail: "Depot", words: "Cisco C1111" })).toBe(3);
});

it("puts the group of the best fit first, and of equal ones what was chosen last", () => {
  const entries = entriesOf([target("Depot roof"), target("Depot door"), target("Depot", { group: "Sites" })]);
  const groups = search(entries, " DEPOT ", ["Depot roof"]);
  expect(lines(groups)).toEqual(["Sites: Depot", "Devices: Depot roof, Depot door"]);
});

it("keeps a group short", () => {
  const entries = entriesOf(Array.from({ length: 40 }, (_, n) => target(`core-${n}`)));
  expect(search(entries, "core", [])[0]?.targets.length).toBe(8);
});

it("offers what was chosen last, each once, and nothing that is gone", () => {
  const entries = entriesOf([target("core-1"), target("Fleet", { group: "Pages" }), target("Alerts", { group: "Pages" })]);
  expect(lines(offered(entries, ["core-1", "gone", "Fleet"], [["Pages", 9]], "/now"))).toEqual(["Recent: core-1, Fleet", "Pages: Alerts"]);
});

it("offers no way to where one is, and no more of a group than asked for", () => {
  const entries = entriesOf([target("Fleet", { group: "Pages", href: "/fleet" }), ...["a", "b", "c"].map((title) => target(title, { group: "Open alerts" }))]);
  expect(lines(offered(entries, ["Fleet", "b"], [["Open alerts", 1], ["Pages", 9]], "/fleet"))).toEqual(["Recent: b", "Open alerts: a"]);
});

it("searches 5,000 devices without a pause that one notices", () => {
  const entries = entriesOf(Array.from({ length: 5000 }, (_, n) => target(`cpe-${n}`, { words: `10.1.${n >> 8}.${n & 255}\nMikroTik\nDepot ${n % 50}` })));
  const groups = search(entries, "10.1.3.7", []);
  expect(groups[0]?.targets[0]?.title).toBe("cpe-775");
});

it("keeps one order of things of the same name, however they come", () => {
  const twins = [target("Depot", { id: "b" }), target("Depot", { id: "a" })];
  for (const all of [twins, twins.toReversed()]) expect(lines(search(entriesOf(all), "depot", []))).toEqual(["Devices: a, b"]);
});
