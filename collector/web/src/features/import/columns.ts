/** The columns of a table of devices, and what is told of rows that failed. */
import { writeCsv } from "../../lib/csv";
import type { ImportRow } from "../../lib/types";
import { parseCsv } from "./csv";

interface ColumnInfo {
  name: string;
  note: string;
  /** Never written into a file again. */
  isSecret?: boolean;
}

export const COLUMNS: readonly ColumnInfo[] = [
  { name: "address", note: "The one column that must be there: IP address or host name, with :port if it is not 161." },
  { name: "name", note: "Left empty, the device’s own name." },
  { name: "site", note: "Its agent polls the device, by name or id. Not needed with an agent, with one chosen above, or where there is only one." },
  { name: "agent", note: "By name or id, where a site has several." },
  { name: "tags", note: "With semicolons between them: core;backbone" },
  { name: "interval_s", note: "Seconds between polls; 60 if empty." },
  { name: "profile", note: "A credential profile by name or id; nothing secret is in the table then." },
  { name: "snmp_version", note: "v1, v2c or v3; if empty, v3 where there is a user, else v2c." },
  { name: "community", note: "For v1 and v2c, where there is no profile.", isSecret: true },
  { name: "user", note: "For v3." },
  { name: "auth", note: "none, md5, sha1, sha224, sha256, sha384 or sha512." },
  { name: "auth_password", note: "8 characters or more.", isSecret: true },
  { name: "privacy", note: "none, des, aes128, aes192, aes256, aes192_cisco or aes256_cisco." },
  { name: "privacy_password", note: "8 characters or more.", isSecret: true },
  { name: "context", note: "Few devices have one." },
  { name: "ping", note: "yes or no: whether it gets echo requests; yes if empty." },
];

const SECRET: ReadonlySet<string> = new Set(COLUMNS.filter(({ isSecret }) => isSecret).map(({ name }) => name));

/** To copy into a spreadsheet: two rows that show the forms. */
export const TEMPLATE = writeCsv([
  ["address", "name", "site", "tags", "interval_s", "profile"],
  ["192.0.2.1", "core-1", "Depot", "core;backbone", "60", ""],
  ["192.0.2.2:1161", "", "Depot", "", "", "Customer routers"],
]);

/** What stands in the table, by line and column: never a secret, and nothing of a row whose cells are not where the heads say. */
export function typedIn(text: string): (line: number, column: string) => string | null {
  const [head, ...records] = parseCsv(text);
  const names = (head?.cells ?? []).map((name) => name.trim().toLowerCase());
  const whole = new Map(records.filter(({ cells }) => cells.length === names.length).map(({ line, cells }) => [line, cells]));
  return (line, column) => {
    const at = SECRET.has(column) ? -1 : names.indexOf(column);
    return at < 0 ? null : (whole.get(line)?.[at]?.trim() ?? null);
  };
}

/** The rows of the table that are wrong, as they were but for what is secret, each with what to mend. */
export function failedCsv(text: string, rows: readonly ImportRow[]): string {
  const [head, ...records] = parseCsv(text);
  const wrong = new Map(rows.filter(({ outcome }) => outcome === "error").map((row) => [row.line, row]));
  const names = (head?.cells ?? []).map((name) => name.trim());
  // What means nothing to the collector may be a misspelt secret: it stays out, too.
  const known: ReadonlySet<string> = new Set(COLUMNS.map(({ name }) => name));
  const kept = names.flatMap((name, at) => (known.has(name.toLowerCase()) && !SECRET.has(name.toLowerCase()) ? [at] : []));
  const failed = records.flatMap(({ line, cells }) => {
    const row = wrong.get(line);
    if (!row) return [];
    // With a cell too many or too few nobody knows which of them is the secret.
    const isWhole = cells.length === names.length;
    return [[...kept.map((at) => (isWhole ? (cells[at] ?? "") : "")), isWhole ? whatWords(row) : `line ${line}: ${whatWords(row)}`]];
  });
  return writeCsv([[...kept.map((at) => names[at] ?? ""), "error"], ...failed]);
}

/** «interval_s must be 5 to 3600», or what is wrong with the whole row. The collector marks what is to be typed by backticks. */
export function whatWords({ field, message }: Pick<ImportRow, "field" | "message">): string {
  return [field, message].filter(Boolean).join(" ").replaceAll("`", "");
}

/** Of an address that is none all forms of one are told: in a list of rows the first of them will do. */
export function shortMessage(message: string | null): string {
  return (message ?? "").split("; ", 1)[0]?.replaceAll("`", "") ?? "";
}
