/** Which columns of the fleet are shown, as the URL says it. */
import { columns, type FleetColumn } from "./columns";

/** Without these a row says nothing of what it is. */
const ALWAYS: ReadonlySet<string> = new Set(["state", "name"]);
const CHOOSABLE = columns.filter(({ id }) => !ALWAYS.has(id));

/** The usual ones; else those that `cols` of the URL names, in the order of the table. */
export function shownColumns(cols: string | undefined, isMixed: boolean): readonly FleetColumn[] {
  const wanted = cols === undefined ? null : new Set(cols.split("."));
  return columns.filter(({ id }) => (id !== "tenant" || isMixed) && (wanted === null || ALWAYS.has(id) || wanted.has(id)));
}

/** What can be chosen. */
export function choices(isMixed: boolean): readonly FleetColumn[] {
  return CHOOSABLE.filter(({ id }) => id !== "tenant" || isMixed);
}

/** The URL with one more or one less. */
export function toggledColumn(cols: string | undefined, id: string): string {
  const now = cols === undefined ? CHOOSABLE.map((column) => column.id) : cols.split(".").filter(Boolean);
  const next = new Set(now.includes(id) ? now.filter((one) => one !== id) : [...now, id]);
  return CHOOSABLE.filter((column) => next.has(column.id)).map((column) => column.id).join(".") || "none";
}
