import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo } from "react";
import { api, take } from "../../lib/api";
import { counted, dateTime, integer, NONE } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import type { Names } from "../../lib/names";
import { useTenantsFor } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import { ROWS, usePages } from "../../lib/use-pages";
import { useSettled } from "../../lib/use-settled";
import { useSites } from "../../lib/use-sites";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Dotted } from "../../ui/dotted";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { type Choice, Picker } from "../../ui/picker";
import { Toggle } from "../../ui/toggle";
import { SavedViews } from "../views/saved-views";
import { ConfigFrame } from "./config-frame";
import { KEYS, useLookAgain } from "./queries";
import { type ConfigSearch, standingRank } from "./standing";
import { StandingBadge } from "./standing-badge";
import type { ConfigRow } from "./types";
import { platformWord } from "./words";

const route = getRouteApi("/_app/config/");
const EVERY = "every";
const FIRST = { by: "state", desc: false };

function columnsOf(isMixed: boolean, names: Names): readonly Column<ConfigRow>[] {
  const called = ({ device, site, tenant }: ConfigRow) => names.name({ name: device.name, site, tenant });
  const tenant: Column<ConfigRow> = {
    by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name,
  };
  return [
    { by: "name", label: "Device", title: true, read: called, cell: (row) => (
      <Link to="/devices/$id" params={{ id: row.device.id }} search={{ tab: "config" }} className="hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
        <Dotted name={called(row)} />
      </Link>
    ) },
    { by: "state", label: "State", className: "phone:col-span-2", read: standingRank, cell: (row) => <StandingBadge row={row} /> },
    ...(isMixed ? [tenant] : []),
    { by: "site", label: "Site", className: "text-muted", read: (row) => row.site.name, cell: (row) => row.site.name },
    { by: "platform", label: "Platform", className: "text-muted", read: (row) => platformWord(row.platform), cell: (row) => platformWord(row.platform) },
    { by: "fetched", label: "Last fetched", figure: true, note: "When it was seen last, changed or not",
      read: (row) => (row.last_at ? Date.parse(row.last_at) : null), cell: (row) => (row.last_at ? <Age at={row.last_at} long /> : NONE) },
    { by: "changed", label: "Changed", figure: true, note: "When the latest version was first seen",
      read: (row) => (row.first_at ? Date.parse(row.first_at) : null),
      cell: (row) => (row.version && row.first_at ? (
        <Link to="/config/$id" params={{ id: row.version }} title={`What changed: ${dateTime(row.first_at)}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
          <Age at={row.first_at} long />
        </Link>
      ) : NONE) },
    { by: "lines", label: "Lines", figure: true, read: (row) => row.lines, cell: (row) => integer(row.lines) },
    { by: "versions", label: "Versions", figure: true, read: (row) => row.versions, cell: (row) => integer(row.versions) },
  ];
}

/** The latest configuration of each device. */
export function ConfigPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = useScope();
  const names = useDeviceNames();
  useEffect(() => live.ensureDevices(), []);
  const { site, failing } = search;
  const q = useSettled(search.q?.trim());
  const key = [...KEYS.list, scope.tenant?.id ?? "", q, site, failing];
  // By the server: the list comes in pages, and what is looked for may be on one that is not here.
  const asked = { ...narrowed(scope), ...(q ? { q } : {}), ...(site ? { site } : {}), ...(failing ? { failing } : {}), limit: ROWS };
  const list = usePages(key, (cursor) => take(api.GET("/api/v1/configs", { params: { query: { ...asked, ...cursor } } })));
  useLookAgain(list, key, ROWS);
  const change = useCallback((patch: ConfigSearch) => {
    void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  }, [navigate]);
  const clear = () => change({ q: undefined, site: undefined, failing: undefined });
  const columns = useMemo(() => columnsOf(scope.isMixed, names), [scope.isMixed, names]);
  const all = useSites(scope.tenant?.id ?? null);
  const sites = useMemo(() => (all ?? []).map(({ id, name, tenant }): Choice =>
    (scope.isMixed ? { value: id, label: name, note: tenant.name } : { value: id, label: name })), [all, scope.isMixed]);
  const isFiltered = Boolean(search.q || site || failing);
  useTitle("Config");
  return (
    <ConfigFrame filters={(isFiltered || list.phase !== "ready" || list.rows.length > 0) && (
      <FilterBar label="Filter by the name of the device" count={(total) => counted(total, "device")} query={search.q ?? ""} onQuery={(text) => change({ q: text || undefined })}
        shown={list.rows.length} total={list.total ?? list.rows.length} onClear={isFiltered ? clear : undefined}>
        <Picker label="Site" className="desk:w-44! phone:order-2" value={site ?? EVERY}
          choices={[{ value: EVERY, label: "Every site" }, ...sites]} onChange={(one) => change({ site: one === EVERY ? undefined : one })} />
        <Toggle className="phone:order-3" on={failing === true} onChange={(on) => change({ failing: on || undefined })}>Failing only</Toggle>
        <SavedViews />
      </FilterBar>
    )}>
      <DataTable label="Configurations" list={list} columns={columns} keyOf={(row) => row.device.id}
        first={FIRST} sort={search.sort} onSort={(sort) => change({ sort })} empty={isFiltered ? (
          <Empty title="No device fits the filter"><Button className="self-start" onClick={clear}>Show all devices</Button></Empty>
        ) : <NoConfigs />} />
    </ConfigFrame>
  );
}

function NoConfigs() {
  const canAdd = useTenantsFor("write").length > 0;
  return (
    <Empty title="No configuration yet">
      <p>
        Farwatch logs in to devices by SSH, reads their configuration once a day and keeps each version that differs. Secrets
        are not kept readable: a difference says that a secret changed, never what it is.
      </p>
      <p>
        All it needs is a login. Add a credential profile of the kind «SSH login» with a user that may read the configuration:
        the devices that it is for are backed up by themselves from then on.
      </p>
      {canAdd && (
        <Link to="/settings/credentials" className="inline-flex min-h-8 items-center self-start rounded-md bg-solid px-3 font-medium text-on-solid phone:min-h-11">
          Add an SSH login
        </Link>
      )}
    </Empty>
  );
}
