import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { useMay } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import type { Person } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useMe } from "../../lib/use-person";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Tag } from "../../ui/tag";
import { AddPerson } from "./add-person";
import { askForFactor, isOpen, PEOPLE, rightsOf, stateOf } from "./people";
import { PersonPanel } from "./person-panel";

const STATE = {
  active: <span className="text-muted">active</span>,
  invited: <Tag tone="accent" title="Has a one-time password and has yet to choose their own">one-time password</Tag>,
  disabled: <Tag tone="warn">disabled</Tag>,
} as const;

function columnsOf(isMixed: boolean, me: string | undefined): readonly Column<Person>[] {
  return [
    { by: "email", label: "Person", title: true, read: ({ email }) => email, cell: (row) => <Name row={row} isMe={row.id === me} /> },
    { by: "rights", label: "Role", className: "phone:col-span-2 wrap-anywhere", read: (row) => rightsOf(row, isMixed),
      cell: (row) => rightsOf(row, isMixed) },
    { by: "totp", label: "Second factor", className: "phone:col-span-2", read: ({ totp }) => Number(totp),
      cell: (row) => <Factor row={row} isMe={row.id === me} /> },
    { by: "state", label: "Account", className: "phone:col-span-2", read: stateOf, cell: (row) => STATE[stateOf(row)] },
    { by: "seen", label: "Last sign-in", className: "text-muted", read: (row) => Date.parse(row.last_sign_in_at ?? "") || 0,
      cell: (row) => (row.last_sign_in_at ? <Age at={row.last_sign_in_at} long /> : "never") },
    { by: "made", label: "Created", className: "text-muted", read: (row) => Date.parse(row.created_at),
      cell: (row) => <Age at={row.created_at} long /> },
  ];
}

/** Loud where much hangs on a password alone, with the way out of it. */
function Factor({ row, isMe }: { row: Person; isMe: boolean }) {
  if (row.totp) return "on";
  if (!isOpen(row)) return <span className="text-muted">off</span>;
  const link = "text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center";
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <Tag tone="warn" title="An administrator whose password alone opens the account">off</Tag>
      {isMe ? <Link to="/settings/account" className={link}>Set it up</Link>
        : <a href={askForFactor(row, location.origin)} className={link} title={`Write a mail to ${row.email}`}>Ask for it</a>}
    </span>
  );
}

function Name({ row, isMe }: { row: Person; isMe: boolean }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
      <span className={`wrap-anywhere ${row.disabled ? "text-muted" : ""}`}>{row.email}</span>
      {isMe && <Tag>you</Tag>}
      {row.super_admin && <Tag tone="accent">provider administrator</Tag>}
      {row.staff && !row.super_admin && <Tag>provider staff</Tag>}
    </span>
  );
}

export function PeoplePage() {
  const scope = useScope();
  const may = useMay();
  const me = useMe()?.user.id;
  const [query, setQuery] = useState("");
  const [adding, setAdding] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const list = usePages([...PEOPLE, scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/users", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(scope.isMixed, me), [scope.isMixed, me]);
  const keep = useMemo(() => {
    const word = query.trim().toLowerCase();
    return word ? (row: Person) => `${row.email} ${rightsOf(row, true)}`.toLowerCase().includes(word) : undefined;
  }, [query]);
  useTitle("People");
  const person = list.rows.find(({ id }) => id === opened);
  return (
    <>
      <PageHead title="People">
        {list.rows.length > 1 && (
          <FilterBar label="Filter people" count={(all) => (all === 1 ? "1 person" : `${integer(all)} people`)} query={query} onQuery={setQuery} total={list.total ?? list.rows.length}
            shown={keep ? list.rows.filter(keep).length : list.rows.length}
            onClear={query ? () => setQuery("") : undefined} />
        )}
        <span className="flex-1" />
        <Button look="solid" onClick={() => setAdding(true)}>
          <Icon name="plus" size={14} /> Add person
        </Button>
      </PageHead>
      <DataTable label="People" list={list} keep={keep} columns={columns} keyOf={(row) => row.id}
        first={{ by: "email", desc: false }}
        renderActions={(row) => (may.provider || row.memberships.length > 0) && (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit ${row.email}`}
            onClick={() => setOpened(row.id)}>
            Edit
          </Button>
        )}
        empty={
          <Empty title={scope.tenant ? `Nobody in ${scope.tenant.name} yet` : "Nobody here yet"}>
            <p>
              Add somebody by their email and a role. They get a one-time password from you, and choose
              their own when they sign in. The provider&rsquo;s administrators are not listed: they see all tenants.
            </p>
            <Button look="solid" className="self-start" onClick={() => setAdding(true)}>Add the first person</Button>
          </Empty>
        } />
      <AddPerson open={adding} onOpenChange={setAdding} />
      <PersonPanel person={person ?? null} onClose={() => setOpened(null)} />
    </>
  );
}
