import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { meQuery } from "../../lib/session";
import type { Tenant } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { NamePanel } from "../../ui/name-panel";
import { DemoMark } from "../../ui/demo-mark";
import { PageHead } from "../../ui/page-head";
import { QuotaView } from "../quotas/quota-view";
import { type Place, usePlaces } from "../settings/use-places";

const TENANTS = ["tenants", "pages"] as const;
const NOTHING: Place = { agents: 0, devices: 0 };

function columnsOf(places: ReadonlyMap<string, Place> | null): Column<Tenant>[] {
  const at = ({ id }: Tenant) => (places ? (places.get(id) ?? NOTHING) : null);
  return [
    { by: "name", label: "Tenant", title: true, read: (row) => row.name, cell: (row) => <>{row.name}{row.demo && <DemoMark />}</> },
    { by: "agents", label: "Agents", figure: true, read: (row) => at(row)?.agents ?? null,
      cell: (row) => integer(at(row)?.agents) },
    { by: "devices", label: "Devices", figure: true, read: (row) => at(row)?.devices ?? null,
      cell: (row) => (
        <Link to="/fleet" search={{ tenant: row.id }} title={`Devices of ${row.name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(at(row)?.devices)}
        </Link>
      ) },
    { by: "made", label: "Created", figure: true, className: "text-muted", read: (row) => Date.parse(row.created_at),
      cell: (row) => <Age at={row.created_at} long /> },
  ];
}

type Opened = { tenant: Tenant | null } | null;

export function TenantsPage() {
  const places = usePlaces();
  const may = useMay();
  const [opened, setOpened] = useState<Opened>(null);
  const list = usePages(TENANTS, (cursor) =>
    take(api.GET("/api/v1/tenants", { params: { query: { ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(places), [places]);
  useTitle("Tenants", true);
  const add = () => setOpened({ tenant: null });
  return (
    <>
      <PageHead title="Tenants">
        <span className="flex-1" />
        {may.provider && !list.isEmpty && <Button look="solid" onClick={add}><Icon name="plus" size={14} /> New tenant</Button>}
      </PageHead>
      <DataTable label="Tenants" list={list} columns={columns} keyOf={(row) => row.id}
        first={{ by: "name", desc: false }}
        renderActions={may.provider ? (tenant) => (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Rename ${tenant.name}`}
            onClick={() => setOpened({ tenant })}>
            Rename
          </Button>
        ) : undefined}
        renderDetail={may.admin ? (tenant) => <QuotaView tenant={tenant} /> : undefined}
        empty={
          <Empty title="No tenant yet">
            <p>
              A tenant is one customer or one network: nobody in it sees another. Its sites, agents, devices and
              people come next.
            </p>
            {may.provider
              ? <Button look="solid" className="self-start" onClick={add}>Make the first tenant</Button>
              : <p>An administrator of the provider makes the first.</p>}
          </Empty>
        } />
      <TenantPanel opened={opened} onClose={() => setOpened(null)} />
    </>
  );
}

function TenantPanel({ opened, onClose }: { opened: Opened; onClose: () => void }) {
  const queries = useQueryClient();
  const tenant = opened?.tenant ?? null;
  const save = async (name: string) => {
    if (tenant) await take(api.PATCH("/api/v1/tenants/{id}", { params: { path: { id: tenant.id } }, body: { name } }));
    else await take(api.POST("/api/v1/tenants", { body: { name } }));
    // It is in the switch, and its name on every row.
    await Promise.all([
      queries.invalidateQueries({ queryKey: TENANTS }), queries.invalidateQueries({ queryKey: meQuery.queryKey }),
    ]);
    live.refreshDevices();
    live.refreshAgents();
  };
  return (
    <NamePanel open={opened !== null} onClose={onClose} save={save} name={tenant?.name ?? ""} placeholder="Alpine Fibre"
      title={tenant ? `Rename ${tenant.name}` : "New tenant"} action={tenant ? "Rename" : "Make the tenant"}
      description={tenant ? "Only the name changes; links and keys go on." : "A customer or a network of its own."} />
  );
}
