import { clockTime, dateTime, LOCALE } from "../../lib/format";
import type { AuditRow } from "../../lib/types";
import { Icon, type IconName } from "../../ui/icon";
import type { Column } from "../../ui/data-table";
import { actorName, actorWord, changedWords, told } from "./words";

const ICONS: Readonly<Record<string, IconName>> = {
  user: "person", api_key: "key", agent: "agents", token: "agents", local: "terminal", nobody: "help",
};

const day = new Intl.DateTimeFormat(LOCALE, { weekday: "long", year: "numeric", month: "long", day: "numeric" });

/** Stands over the rows of one day. */
export function dayOfRow({ at }: AuditRow): string {
  return day.format(Date.parse(at));
}

function Time({ at }: { at: string }) {
  return <time dateTime={at} title={dateTime(at)}>{clockTime(Date.parse(at), true)}</time>;
}

/** At a desk on one line: a long mail is cut at its end, not broken amid a word. */
const NAME = "phone:text-muted phone:wrap-anywhere desk:max-w-[28ch] desk:overflow-hidden desk:text-ellipsis desk:whitespace-nowrap";

/** On the phone with the time, which has no cell of its own there. */
function Who({ row, onPerson }: { row: AuditRow; onPerson: (name: string) => void }) {
  const { kind, name } = row.actor;
  const text = actorName(row);
  return (
    <span className="flex min-w-0 flex-1 items-center gap-2">
      <span className="text-muted" title={actorWord(kind)}><Icon name={ICONS[kind] ?? "help"} size={14} /></span>
      <span className="sr-only">{actorWord(kind)}:</span>
      {name === text ? (
        <button type="button" title={`Show all of ${text}`} className={`min-h-6 text-left hover:text-accent hover:underline ${NAME}`}
          onClick={() => onPerson(text)}>
          {text}
        </button>
      ) : <span title={text} className={NAME}>{text}</span>}
      <span className="ml-auto hidden text-muted phone:inline"><Time at={row.at} /></span>
    </span>
  );
}

function What({ row }: { row: AuditRow }) {
  const { did, name } = told(row);
  const failed = row.action === "user.sign_in_failed";
  const changed = changedWords(row);
  return (
    <span className="wrap-anywhere">
      <span className={failed ? "text-down" : ""}>{did}</span>
      {name !== null && <strong className="font-medium"> {name}</strong>}
      {changed && <span className="font-normal text-muted phone:text-sm">: {changed}</span>}
    </span>
  );
}

const AT: Column<AuditRow> = {
  by: "at", label: "When", wide: true, className: "whitespace-nowrap text-muted", cell: ({ at }) => <Time at={at} />,
};
const TENANT: Column<AuditRow> = {
  by: "tenant", label: "Tenant", isPlain: true, className: "text-muted phone:order-3 phone:col-span-2",
  cell: ({ tenant }) => <span title={tenant?.name} className={`desk:block ${NAME}`}>{tenant?.name ?? "Provider"}</span>,
};

export function columnsOf(hasTenant: boolean, onPerson: (name: string) => void): readonly Column<AuditRow>[] {
  const rest: readonly Column<AuditRow>[] = [
    { by: "who", label: "Who", isPlain: true, className: "phone:order-1 phone:col-span-2", cell: (row) => <Who row={row} onPerson={onPerson} /> },
    { by: "from", label: "From", wide: true, className: "whitespace-nowrap text-muted", cell: ({ address }) => (address ? <span className="font-mono text-xs">{address}</span> : "this machine") },
    { by: "what", label: "What", title: true, className: "desk:w-[60%] desk:py-1.5", cell: (row) => <What row={row} /> },
  ];
  return hasTenant ? [AT, TENANT, ...rest] : [AT, ...rest];
}
