import * as v from "valibot";
import { expect, it } from "vitest";
import { exportUrl, queryOf } from "./query";
import { auditSearch } from "./search";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const read = (search: object) => v.parse(auditSearch, search);

it("goes back seven days where nothing is chosen", () => {
  expect(queryOf(read({}), undefined, NOW)).toEqual({ from: "2026-11-14T12:00:00.000Z" });
  expect(queryOf(read({ last: "all" }), undefined, NOW)).toEqual({});
});

it("takes whole days, the last one included", () => {
  const { from = "", to = "" } = queryOf(read({ from: "2026-11-01", to: "2026-11-01", last: "24h" }), undefined, NOW);
  expect(Date.parse(to) - Date.parse(from)).toBe(86_400_000);
  expect(queryOf(read({ from: "2026-11-01" }), undefined, NOW)).not.toHaveProperty("to");
});

it("drops what is no filter", () => {
  expect(read({ last: "9y", from: "yesterday", of: "x" })).toEqual({});
  expect(queryOf(read({ kind: "nonsense", last: "all" }), undefined, NOW)).toEqual({});
});

it("exports what the page shows", () => {
  const query = queryOf(read({ q: " r1 ", kind: "device", last: "all" }), "ten_1", NOW);
  expect(exportUrl(query, "csv")).toBe("/api/v1/audit/export?tenant=ten_1&action=device&q=r1&format=csv");
  expect(queryOf(read({ of: "installation", last: "all" }), "ten_1", NOW)).toEqual({ tenant: "installation" });
});
