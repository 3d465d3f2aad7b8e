import { expect, it } from "vitest";
import type { Interface } from "../../lib/types";
import { portsInOrder } from "./interface-table-order";

const port = (index: number, row: Partial<Interface>): Interface => ({
  object: `if:${index}`, index, name: `ether${index}`, description: "", alias: "", kind: 6, mac: null,
  speed_bps: null, admin: "up", oper: "up", state: "up", in_bps: null, out_bps: null, in_pps: null,
  out_pps: null, in_errors_ps: null, out_errors_ps: null, in_discards_ps: null, out_discards_ps: null,
  utilisation_in: null, utilisation_out: null, updated_at: null, ...row,
});
const rows = [
  port(2, { in_bps: 5, out_bps: 900, in_errors_ps: 1, alias: "Uplink to core" }),
  port(1, { in_bps: 50, out_bps: 1, state: "down" }),
  port(3, { in_bps: 60, out_bps: 2 }),
];
const order = (query: string, by: string, desc = false) =>
  portsInOrder(rows, query, { by, desc }).map((row) => row.index);

it("keeps the device's own order until a column is chosen", () => {
  expect(order("", "index")).toEqual([1, 2, 3]);
  expect(order("", "in", true)).toEqual([3, 1, 2]);
  expect(order("", "state")).toEqual([1, 2, 3]);
  expect(order("", "errors", true)).toEqual([2, 1, 3]);
});

it("filters by every word, in name and alias", () => {
  expect(order("uplink core", "index")).toEqual([2]);
  expect(order("ether3", "index")).toEqual([3]);
  expect(order("uplink ether3", "index")).toEqual([]);
});
