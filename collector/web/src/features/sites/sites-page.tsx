import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { narrowed, useScope } from "../../lib/scope";
import type { Site } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { PageHead } from "../../ui/page-head";
import { type Place, usePlaces } from "../settings/use-places";

const NOTHING: Place = { agents: 0, devices: 0 };

function columnsOf(places: ReadonlyMap<string, Place> | null, isMixed: boolean): Column<Site>[] {
  const at = (site: Site) => (places ? (places.get(site.id) ?? NOTHING) : null);
  const columns: Column<Site>[] = [
    { by: "name", label: "Site", title: true, read: (site) => site.name, cell: (site) => site.name },
  ];
  if (isMixed) {
    columns.push({
      by: "tenant", label: "Tenant", className: "text-muted phone:col-span-2",
      read: (site) => site.tenant.name, cell: (site) => site.tenant.name,
    });
  }
  columns.push(
    { by: "agents", label: "Agents", figure: true, read: (site) => at(site)?.agents ?? null,
      cell: (site) => integer(at(site)?.agents) },
    { by: "devices", label: "Devices", figure: true, read: (site) => at(site)?.devices ?? null,
      cell: (site) => (
        <Link to="/fleet" search={{ tenant: site.tenant.id, q: site.name }} title={`Devices of ${site.name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(at(site)?.devices)}
        </Link>
      ) },
  );
  return columns;
}

export function SitesPage() {
  const scope = useScope();
  const places = usePlaces();
  const [query, setQuery] = useState("");
  const list = usePages(["sites", "pages", scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/sites", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(places, scope.isMixed), [places, scope.isMixed]);
  const keep = useMemo(() => {
    const word = query.trim().toLowerCase();
    return word ? (site: Site) => `${site.name} ${site.tenant.name}`.toLowerCase().includes(word) : undefined;
  }, [query]);
  useTitle("Sites");
  return (
    <>
      <PageHead title="Sites">
        {list.rows.length > 1 && (
          <FilterBar label="Filter sites" query={query} onQuery={setQuery} total={list.total ?? list.rows.length}
            shown={keep ? list.rows.filter(keep).length : list.rows.length}
            onClear={query ? () => setQuery("") : undefined} />
        )}
      </PageHead>
      <DataTable label="Sites" list={list} keep={keep} columns={columns} keyOf={(site) => site.id}
        first={{ by: "name", desc: false }}
        empty={
          <Empty title="No site yet">
            <p>A site is made with the first agent that stands there: make its token on the Agents page.</p>
          </Empty>
        } />
    </>
  );
}
