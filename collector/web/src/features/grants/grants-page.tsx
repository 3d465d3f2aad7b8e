import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { dateTime, duration } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { roleWord, useMay } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import type { Grant } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useMe } from "../../lib/use-person";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Tag } from "../../ui/tag";
import { Toggle } from "../../ui/toggle";
import { EndGrant } from "./end-grant";
import { grantState } from "./grant-state";
import { GRANTS } from "./grants";
import { NewGrant } from "./new-grant";

function Until({ grant }: { grant: Grant }) {
  const left = useEachSecond(() => {
    if (grantState(grant, serverNow()) !== "live") return null;
    const seconds = Math.ceil((Date.parse(grant.expires_at) - serverNow()) / 1000);
    return seconds < 120 ? seconds : Math.floor(seconds / 60) * 60;
  });
  if (left !== null) {
    return (
      <span className="inline-flex flex-wrap items-center gap-x-2">
        <Tag tone="accent">now</Tag>
        <span title={dateTime(grant.expires_at)}>{duration(left)} left</span>
      </span>
    );
  }
  if (grant.ended_at === null) return <span className="text-muted">ran out <Age at={grant.expires_at} long /></span>;
  return <span className="text-muted">ended <Age at={grant.ended_at} long />{grant.ended_by && ` by ${grant.ended_by.name}`}</span>;
}

function columnsOf(isMixed: boolean): readonly Column<Grant>[] {
  const tenant: Column<Grant> = {
    by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name,
  };
  return [
    { by: "person", label: "Who", title: true, read: (row) => row.user.name,
      cell: (row) => <span className="wrap-anywhere">{row.user.name}</span> },
    ...(isMixed ? [tenant] : []),
    { by: "role", label: "As", read: (row) => roleWord(row.role), cell: (row) => roleWord(row.role).toLowerCase() },
    { by: "reason", label: "Why", className: "wrap-anywhere phone:col-span-2 desk:max-w-90", cell: (row) => row.reason },
    { by: "given", label: "Created", className: "text-muted phone:col-span-2", read: (row) => Date.parse(row.created_at),
      cell: (row) => <span><Age at={row.created_at} long /> by {row.granted_by?.name ?? "the command line"}</span> },
    { by: "until", label: "Until", className: "phone:col-span-2", read: (row) => Date.parse(row.ended_at ?? row.expires_at),
      cell: (row) => <Until grant={row} /> },
  ];
}

/** Who of the provider sees a tenant: its administrators see this list, and end what they do not want. */
export function GrantsPage() {
  const scope = useScope();
  const may = useMay();
  const me = useMe()?.user.id;
  const [giving, setGiving] = useState(false);
  const [ending, setEnding] = useState<Grant | null>(null);
  const [isLive, setLive] = useState(false);
  const list = usePages([...GRANTS, scope.tenant?.id ?? "", isLive], (cursor) =>
    take(api.GET("/api/v1/grants", {
      params: { query: { ...narrowed(scope), ...(isLive ? { live: true } : {}), ...cursor, limit: ROWS } },
    })));
  const columns = useMemo(() => columnsOf(scope.isMixed), [scope.isMixed]);
  useTitle("Provider access");
  return (
    <>
      <PageHead title="Provider access">
        <Toggle on={isLive} onChange={setLive} title="Only those who are let in now">Only now</Toggle>
        <span className="flex-1" />
        {may.admin && (isLive || !list.isEmpty) && (
          <Button look="solid" onClick={() => setGiving(true)}>
            <Icon name="plus" size={14} /> Give access
          </Button>
        )}
      </PageHead>
      <DataTable label="Provider access" list={list} columns={columns} keyOf={(row) => row.id}
        first={{ by: "given", desc: true }}
        renderActions={(row) => <EndButton grant={row} may={may.admin || row.user.id === me} onEnd={setEnding} />}
        empty={
          <Empty title={isLive ? "Nobody of the provider is in now" : "Nobody of the provider was let in"}>
            <p>
              The provider&rsquo;s staff see no tenant by themselves. An administrator lets one of them in, for a
              reason and for eight hours at most. It stands here and in the audit, and ends with one click.
            </p>
            {may.admin && !isLive && (
              <Button look="solid" className="self-start" onClick={() => setGiving(true)}>Give access</Button>
            )}
          </Empty>
        } />
      <NewGrant open={giving} onOpenChange={setGiving} />
      <EndGrant grant={ending} onClose={() => setEnding(null)} />
    </>
  );
}

function EndButton({ grant, may, onEnd }: { grant: Grant; may: boolean; onEnd: (grant: Grant) => void }) {
  const isLive = useEachSecond(() => grantState(grant, serverNow()) === "live");
  if (!isLive || !may) return null;
  return (
    <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`End now: ${grant.user.name}`}
      onClick={() => onEnd(grant)}>
      End now
    </Button>
  );
}
