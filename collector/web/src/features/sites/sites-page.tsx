import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { counted, integer } from "../../lib/format";
import { useMayIn, useMayMake } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import type { Site } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { type Place, usePlaces } from "../settings/use-places";
import { type OpenedSite, RemoveSite, SitePanel, SITES } from "./change-site";

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
  const list = usePages([...SITES, "pages", scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/sites", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(places, scope.isMixed), [places, scope.isMixed]);
  const keep = useMemo(() => {
    const word = query.trim().toLowerCase();
    return word ? (site: Site) => `${site.name} ${site.tenant.name}`.toLowerCase().includes(word) : undefined;
  }, [query]);
  useTitle("Sites");
  const mayAdd = useMayMake("write");
  const mayIn = useMayIn();
  const [opened, setOpened] = useState<OpenedSite>(null);
  const [removing, setRemoving] = useState<Site | null>(null);
  const add = () => setOpened({ site: null });
  return (
    <>
      <PageHead title="Sites">
        {list.rows.length > 1 && (
          <FilterBar label="Filter sites" count={(all) => counted(all, "site")} query={query} onQuery={setQuery} total={list.total ?? list.rows.length}
            shown={keep ? list.rows.filter(keep).length : list.rows.length}
            onClear={query ? () => setQuery("") : undefined} />
        )}
        <span className="flex-1" />
        {mayAdd && <Button look="solid" onClick={add}><Icon name="plus" size={14} /> New site</Button>}
      </PageHead>
      <DataTable label="Sites" list={list} keep={keep} columns={columns} keyOf={(site) => site.id}
        first={{ by: "name", desc: false }}
        renderActions={list.rows.some(({ tenant }) => mayIn(tenant.id).write) ? (site) => mayIn(site.tenant.id).write && (
          <>
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Rename ${site.name}`}
              onClick={() => setOpened({ site })}>
              Rename
            </Button>
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Remove ${site.name}`}
              onClick={() => setRemoving(site)}>
              Remove
            </Button>
          </>
        ) : undefined}
        empty={
          <Empty title="No site yet">
            <p>A site is a place where an agent stands: a rooftop, a depot, a point of presence.</p>
            {mayAdd && <Button look="solid" className="self-start" onClick={add}>Make the first site</Button>}
          </Empty>
        } />
      <SitePanel opened={opened} onClose={() => setOpened(null)} />
      <RemoveSite site={removing} onClose={() => setRemoving(null)} />
    </>
  );
}
