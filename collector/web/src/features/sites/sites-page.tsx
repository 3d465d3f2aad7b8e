import { useNavigate } from "@tanstack/react-router";
import { lazy, type Ref, Suspense, useEffect, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { useIntent } from "../../lib/intent";
import { live } from "../../lib/live-app";
import { useMayIn, useMayMake } from "../../lib/role";
import { useBeside } from "../../lib/use-beside";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { FilterInput } from "../../ui/filter-input";
import { HeldSign } from "../../ui/held-sign";
import { Icon } from "../../ui/icon";
import { type GridRows, LiveGrid } from "../../ui/live-grid";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { ariaSort, SortButton } from "../../ui/sort-button";
import { SetupLink } from "../setup/setup-link";
import { TableError } from "../shell/table-error";
import { SavedViews } from "../views/saved-views";
import { lastSites, rememberSites } from "./last-sites";
import { SiteCards } from "./site-cards";
import { COLUMNS, COLUMNS_MIXED, ROOMY, SiteRow } from "./site-row";
import { type SiteList, useSiteList } from "./use-site-list";

const NameSite = lazy(() => import("./change-site").then((m) => ({ default: m.NameSite })));
const SitePanel = lazy(() => import("./site-panel").then((m) => ({ default: m.SitePanel })));

/** All sites with what stands there, those in trouble first. */
export function SitesPage() {
  const list = useSiteList();
  const { search, setSearch, ids, total, troubled, isKnown, isHeld, error, retry } = list;
  const phone = usePhone();
  const mayAdd = useMayMake("write");
  const [adding, setAdding] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRef<GridRows>(null);
  useTitle(`${troubled > 0 ? `(${integer(troubled)}) ` : ""}Sites`);
  useCommands({ "list.filter": () => input.current?.select() });
  useIntent("site", () => setAdding(true));
  useEffect(() => rememberSites({ search }), [search]);
  const clear = () => setSearch({ q: "" });
  return (
    <div className="flex h-full flex-col">
      <PageHead title="Sites" isBare>
        <div className="contents phone:block phone:min-w-0 phone:flex-1">
          <FilterInput label="Filter sites" input={input} query={search.q ?? ""} onQuery={(q) => setSearch({ q })} toRows={() => rows.current?.first() ?? false} />
        </div>
        <SavedViews />
        <span className="flex-1 phone:hidden" />
        <span className="text-xs whitespace-nowrap text-muted phone:hidden" data-site-count><HeldSign on={isHeld} />{integer(ids.length)} of {integer(total)}</span>
        {mayAdd && (
          <Button look="solid" className="phone:w-11 phone:px-0" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> <span className="phone:sr-only">New site</span>
          </Button>
        )}
      </PageHead>
      <TableError table={live.devices} className="mx-4 mb-3" />
      {error && <ErrorNote error={error} className="mx-4 mb-3" onRetry={retry} />}
      {!isKnown && total === 0 ? (error ? null : <Skeleton label="Loading sites" rows={16} />)
        : total === 0 ? <NoSite onAdd={mayAdd ? () => setAdding(true) : null} />
        : ids.length === 0 ? (
          <Empty title="No site matches">
            <p>No site or tenant is called so.</p>
            <Button className="self-start" onClick={clear}>Clear the filter</Button>
          </Empty>
        ) : phone ? <SiteCards list={list} />
        : <SiteTable ref={rows} list={list} onEscape={clear} />}
      <Suspense>{adding && <NameSite site={null} onClose={() => setAdding(false)} />}</Suspense>
    </div>
  );
}

function NoSite({ onAdd }: { onAdd: (() => void) | null }) {
  return (
    <Empty title="No site yet">
      <p>A site is a place where an agent stands: a rooftop, a depot, a point of presence.</p>
      {onAdd ? (
        <span className="flex flex-wrap gap-2">
          <SetupLink />
          <Button onClick={onAdd}>Only make the site</Button>
        </span>
      ) : <p>An operator of your tenant can make one.</p>}
    </Empty>
  );
}

function SiteTable({ list, onEscape, ref }: { list: SiteList; onEscape: () => void; ref: Ref<GridRows> }) {
  const { ids, byId, search, setSearch, paused, isMixed, columns, sorting, onSort } = list;
  const navigate = useNavigate();
  const mayIn = useMayIn();
  const { chosen, choose, show, toPage, back } = useBeside({
    first: lastSites().chosen, open: search.open, setOpen: (open) => setSearch({ open }),
    toPage: (id) => void navigate({ to: "/sites/$id", params: { id } }),
  });
  useEffect(() => rememberSites({ chosen }), [chosen]);
  useCommands({ "go.back": () => back() || onEscape(), "list.open": chosen !== null && (() => show(chosen)) });
  return (
    <div className="flex min-h-0 flex-1">
      <LiveGrid ref={ref} label="Sites" ids={ids} chosen={chosen} onChoose={choose} onOpen={show} onPage={toPage} onFollow={choose}
        selection={null} paused={paused} className="@container min-w-0" headClass={isMixed ? COLUMNS_MIXED : COLUMNS}
        head={columns.map((column) => (
          <div key={column.id} role="columnheader" aria-sort={ariaSort(column.id, sorting)}
            className={`text-xs ${column.figure && column.id !== "trouble" ? "num" : ""} ${column.id === "tenant" || column.id === "devices" ? ROOMY : ""}`}>
            <SortButton by={column.id} label={column.header} sorting={sorting} descFirst={column.figure ?? false} onSort={onSort} />
          </div>
        ))}
        renderRow={(row) => {
          const site = byId.get(row.id);
          return site ? <SiteRow key={row.id} {...row} site={site} isMixed={isMixed} mayWrite={mayIn(site.tenant.id).write} /> : null;
        }} />
      <Suspense>{search.open && <SitePanel id={search.open} site={byId.get(search.open)} onClose={() => setSearch({ open: undefined })} />}</Suspense>
    </div>
  );
}
