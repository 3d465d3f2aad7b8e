import { expect, it } from "vitest";
import { choices, shownColumns, toggledColumn } from "./column-set";
import { columns } from "./columns";

const ids = (cols: string | undefined, isMixed = true) => shownColumns(cols, isMixed).map(({ id }) => id);

it("shows all while nothing is chosen, and the tenant only where there are several", () => {
  expect(ids(undefined)).toEqual(columns.map(({ id }) => id));
  expect(ids(undefined, false)).not.toContain("tenant");
});

it("shows what the URL names, with state and name, in the order of the table", () => {
  expect(ids("cpu.site.nonsense")).toEqual(["state", "name", "site", "cpu"]);
  expect(ids("none")).toEqual(["state", "name"]);
});

it("takes one away and gives it back", () => {
  const without = toggledColumn(undefined, "model");
  expect(without.split(".")).not.toContain("model");
  expect(toggledColumn(without, "model").split(".")).toEqual(choices(true).map(({ id }) => id));
  expect(toggledColumn("cpu", "cpu")).toBe("none");
  expect(toggledColumn("none", "cpu")).toBe("cpu");
});
