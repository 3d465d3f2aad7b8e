import { dateTime } from "../../lib/format";
import type { AuditRow } from "../../lib/types";
import { Age } from "../../ui/age";
import { Icon, type IconName } from "../../ui/icon";
import type { Column } from "../../ui/data-table";
import { actorName, actorWord, told } from "./words";

const ICONS: Readonly<Record<string, IconName>> = {
  user: "person", api_key: "key", agent: "agents", token: "agents", local: "terminal", nobody: "help",
};

function Who({ row }: { row: AuditRow }) {
  const { kind } = row.actor;
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="text-muted" title={actorWord(kind)}><Icon name={ICONS[kind] ?? "help"} size={14} /></span>
      <span className="sr-only">{actorWord(kind)}:</span>
      <span className="wrap-anywhere">{actorName(row)}</span>
    </span>
  );
}

function What({ row }: { row: AuditRow }) {
  const { did, name } = told(row);
  const failed = row.action === "user.sign_in_failed";
  return (
    <span className="wrap-anywhere">
      <span className={failed ? "text-down" : ""}>{did}</span>
      {name !== null && <strong className="font-medium"> {name}</strong>}
    </span>
  );
}

const AT: Column<AuditRow> = {
  by: "at", label: "When", className: "whitespace-nowrap",
  cell: ({ at }) => <span>{dateTime(at)} <span className="text-muted">· <Age at={at} /></span></span>,
};
const TENANT: Column<AuditRow> = {
  by: "tenant", label: "Tenant", className: "text-muted phone:col-span-2",
  cell: ({ tenant }) => tenant?.name ?? "Installation",
};
const REST: readonly Column<AuditRow>[] = [
  { by: "who", label: "Who", className: "phone:col-span-2", cell: (row) => <Who row={row} /> },
  { by: "from", label: "From", className: "font-mono text-xs text-muted phone:col-span-2", cell: ({ address }) => address ?? "this machine" },
  { by: "what", label: "What", title: true, className: "w-[45%]", cell: (row) => <What row={row} /> },
];

export function columnsOf(hasTenant: boolean): readonly Column<AuditRow>[] {
  return hasTenant ? [AT, TENANT, ...REST] : [AT, ...REST];
}
