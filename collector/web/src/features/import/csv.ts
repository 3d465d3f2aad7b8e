/** Tables as spreadsheets write them (RFC 4180), with commas, semicolons or tabs. */

export interface CsvRow {
  /** Where it begins, from 1. */
  line: number;
  cells: string[];
}

const SEPARATORS = [",", ";", "\t"] as const;
const BYTE_ORDER_MARK = "\uFEFF";

/** The most frequent one of the first line; of those as frequent the first. */
export function separatorOf(text: string): string {
  const [first = ""] = text.replace(BYTE_ORDER_MARK, "").split(/\r?\n/, 1);
  const count = (separator: string) => first.split(separator).length;
  return SEPARATORS.reduce<string>((best, one) => (count(one) > count(best) ? one : best), SEPARATORS[0]);
}

export function parseCsv(whole: string): CsvRow[] {
  const text = whole.replace(BYTE_ORDER_MARK, "");
  const separator = separatorOf(text);
  const records: CsvRow[] = [];
  let line = 1;
  let record: CsvRow = { line, cells: [] };
  let cell = "";
  let isQuoted = false;
  const endCell = () => {
    record.cells.push(cell);
    cell = "";
  };
  const endRecord = () => {
    endCell();
    if (record.cells.length > 1 || record.cells[0]?.trim() !== "") records.push(record);
    record = { line, cells: [] };
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? "";
    if (char === "\n") line += 1;
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += char;
        at += 1;
      } else isQuoted = false;
    } else if (char === '"' && cell === "") isQuoted = true;
    else if (char === separator) endCell();
    else if (char === "\n") endRecord();
    else if (char !== "\r") cell += char;
  }
  endRecord();
  return records;
}
