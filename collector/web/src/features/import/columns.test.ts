import { expect, it } from "vitest";
import { writeCsv } from "../../lib/csv";
import type { ImportRow } from "../../lib/types";
import { COLUMNS, failedCsv, shortMessage, TEMPLATE, typedIn, whatWords } from "./columns";
import { parseCsv, separatorOf } from "./csv";

const row = (line: number, outcome: ImportRow["outcome"], field: string | null = null, message: string | null = null): ImportRow =>
  ({ line, address: null, name: null, outcome, field, message, device: null });

it("reads what spreadsheets write, and knows where each row begins", () => {
  const text = '\uFEFFaddress;name\r\n10.0.0.1;"a ""b""; c\nd"\r\n\r\n10.0.0.2;x';
  expect(separatorOf(text)).toBe(";");
  expect(parseCsv(text)).toEqual([
    { line: 1, cells: ["address", "name"] }, { line: 2, cells: ["10.0.0.1", 'a "b"; c\nd'] }, { line: 5, cells: ["10.0.0.2", "x"] },
  ]);
});

it("reads back what it writes", () => {
  const rows = [["a", 'b"c', "d,e"], ["f\ng", "", "h;i"]];
  expect(parseCsv(writeCsv(rows)).map(({ cells }) => cells)).toEqual(rows);
});

it("has a template of known columns", () => {
  const known = new Set(COLUMNS.map(({ name }) => name));
  expect(parseCsv(TEMPLATE)[0]?.cells.filter((name) => !known.has(name))).toEqual([]);
});

it("gives back the rows that failed, never a secret", () => {
  const text = "Address,name,community,auth_password,comunity\n10.0.0.1,a,topsecret,hush,psst\nnope,b,topsecret,hush,psst\n10.0.0.3,c,topsecret,hush,psst\n";
  const told = failedCsv(text, [row(2, "create"), row(3, "error", "address", "is no address"), row(4, "exists")]);
  expect(parseCsv(told).map(({ cells }) => cells)).toEqual([["Address", "name", "error"], ["nope", "b", "address is no address"]]);
  for (const secret of ["topsecret", "hush", "psst"]) expect(told).not.toContain(secret);
});

it("shows no cell of a row whose cells are not where the heads say", () => {
  const text = "address,name,community\n10.0.0.1,core, north,s3cret\n";
  const told = failedCsv(text, [row(2, "error", null, "has 4 cells where 3 are expected")]);
  expect(told).not.toContain("s3cret");
  expect(told).toContain("line 2:");
});

it("shows what was typed where it is wrong, never a secret, and nothing of a row that is shifted", () => {
  const typed = typedIn("Address,name,community\nnope,core,topsecret\n10.0.0.1,core, north,s3cret\n");
  expect([typed(2, "address"), typed(2, "community"), typed(2, "site"), typed(3, "address"), typed(9, "address")]).toEqual(["nope", null, null, null, null]);
});

it("says what is wrong without the marks of the API, and short in a list", () => {
  const message = "must be an IP address or host name, with `:port` if it is not 161; of a link-local address with the agent's interface, `fe80::1%eth0`";
  expect(whatWords({ field: "address", message })).not.toContain("`");
  expect(shortMessage(message)).toBe("must be an IP address or host name, with :port if it is not 161");
  expect(shortMessage(null)).toBe("");
});
