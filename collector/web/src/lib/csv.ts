/** What a table program would take for a formula begins with a quote; a number is none, whatever its sign. */
function noFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? `'${text}` : text;
}

/** Tables as files (RFC 4180): what has a separator, a quote or a break in it is quoted, lines end with CR LF. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${row.map((text) => cell(noFormula(text))).join(",")}\r\n`).join("");
}
