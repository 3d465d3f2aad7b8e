/** Which columns of the fleet are shown, as the URL says it. */
import { columns, type FleetColumn } from "./columns";

/** Without these a row says nothing of what it is. */
const ALWAYS: ReadonlySet<string> = new Set(["state", "name"]);
const CHOOSABLE = columns.filter(({ id }) => !ALWAYS.has(id));

/** What each takes of the line; figures are as wide as their largest. */
const WIDTH: Readonly<Record<string, string>> = {
  state: "minmax(150px, var(--state-room))", name: "minmax(140px, 2.6fr)", tenant: "minmax(90px, 1fr)", site: "minmax(90px, 1fr)",
  address: "minmax(104px, var(--address-room))", model: "minmax(72px, var(--model-room))", interfaces: "60px", in: "74px", out: "76px", rtt: "56px",
  loss: "50px", cpu: "46px", uptime: "78px", age: "40px",
};

/** The usual ones, as many as there is room for; `cols` of the URL otherwise, in the order of the table. */
export function shownColumns(cols: string | undefined, isMixed: boolean): { shown: readonly FleetColumn[]; template: string | null } {
  const wanted = cols === undefined ? null : new Set(cols.split("."));
  const shown = columns.filter(({ id }) => (id !== "tenant" || isMixed) && (wanted === null || ALWAYS.has(id) || wanted.has(id)));
  return { shown, template: wanted && shown.map(({ id }) => WIDTH[id] ?? "1fr").join(" ") };
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
