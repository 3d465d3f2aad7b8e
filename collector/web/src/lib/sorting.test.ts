import { expect, it } from "vitest";
import { sorted, toggled } from "./sorting";

const rows = [
  { name: "port10", rate: 5 },
  { name: "port9", rate: null },
  { name: "port1", rate: 70 },
];
const reads = { name: (row: (typeof rows)[number]) => row.name, rate: (row: (typeof rows)[number]) => row.rate };
const names = (by: string, desc: boolean) => sorted(rows, reads, { by, desc }).map((row) => row.name);

it("counts numbers in names and puts what is not known last", () => {
  expect(names("name", false)).toEqual(["port1", "port9", "port10"]);
  expect(names("rate", true)).toEqual(["port1", "port10", "port9"]);
  expect(names("rate", false)).toEqual(["port10", "port1", "port9"]);
  expect(names("no such column", false)).toEqual(["port10", "port9", "port1"]);
});

it("turns round on the second click", () => {
  const first = toggled({ by: "name", desc: false }, "rate", true);
  expect(first).toEqual({ by: "rate", desc: true });
  expect(toggled(first, "rate", true)).toEqual({ by: "rate", desc: false });
});
