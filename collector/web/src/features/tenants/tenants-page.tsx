import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, take } from "../../lib/api";
import { dateOnly, integer } from "../../lib/format";
import type { Tenant } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { PageHead } from "../../ui/page-head";
import { type Place, usePlaces } from "../settings/use-places";

const NOTHING: Place = { agents: 0, devices: 0 };

function columnsOf(places: ReadonlyMap<string, Place> | null): Column<Tenant>[] {
  const at = ({ id }: Tenant) => (places ? (places.get(id) ?? NOTHING) : null);
  return [
    { by: "name", label: "Tenant", title: true, read: (row) => row.name, cell: (row) => row.name },
    { by: "agents", label: "Agents", figure: true, read: (row) => at(row)?.agents ?? null,
      cell: (row) => integer(at(row)?.agents) },
    { by: "devices", label: "Devices", figure: true, read: (row) => at(row)?.devices ?? null,
      cell: (row) => (
        <Link to="/fleet" search={{ tenant: row.id }} title={`Devices of ${row.name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(at(row)?.devices)}
        </Link>
      ) },
    { by: "made", label: "Made", figure: true, className: "text-muted", read: (row) => Date.parse(row.created_at),
      cell: (row) => dateOnly(row.created_at) },
  ];
}

export function TenantsPage() {
  const places = usePlaces();
  const list = usePages(["tenants", "pages"], (cursor) =>
    take(api.GET("/api/v1/tenants", { params: { query: { ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(places), [places]);
  useTitle("Tenants", true);
  return (
    <>
      <PageHead title="Tenants" />
      <DataTable label="Tenants" list={list} columns={columns} keyOf={(row) => row.id}
        first={{ by: "name", desc: false }}
        empty={
          <Empty title="No tenant yet">
            <p>
              A tenant is one customer or one network. An administrator of the provider makes the first with
              <code className="mt-1 block font-mono text-xs">farwatch-collector tenant create</code>
            </p>
          </Empty>
        } />
    </>
  );
}
