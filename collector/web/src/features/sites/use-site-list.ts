import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useState } from "react";
import { toldNow } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import { patched } from "../../lib/search-patch";
import type { Sorting } from "../../lib/sorting";
import { useHeld } from "../../lib/use-held";
import { sitesQuery } from "../../lib/use-sites";
import { useAgentsInScope, useAlertsInScope, useAllKnown, useDevicesInScope } from "../now/use-in-scope";
import { heldRows, type Rows } from "../alerts/filter";
import { COLUMNS, inOrder, matches, OF_ONE_TENANT } from "./columns";
import { rollUp, type SiteStatus, troubleShare } from "./rollup";

const route = getRouteApi("/_app/sites/");

export interface SitesSearch {
  q?: string | undefined;
  sort?: string | undefined;
  /** The site beside the list. */
  open?: string | undefined;
}

/** How all sites in scope are; `isKnown` once all of it is here. */
export function useSiteStatuses() {
  const scope = useScope();
  const query = useQuery(sitesQuery(scope.tenant?.id ?? null));
  const devices = useDevicesInScope();
  const agents = useAgentsInScope();
  const alerts = useAlertsInScope();
  const areKnown = useAllKnown();
  const { data, error, refetch } = query;
  const all = useMemo(
    () => rollUp({ sites: data, devices, agents, alerts, nowMs: toldNow() }),
    [data, devices, agents, alerts],
  );
  return { all, isKnown: areKnown && data !== undefined, error, retry: () => void refetch() };
}

const NO_ROWS: Rows = { key: "", ids: [] };

export function useSiteList() {
  const search: SitesSearch = route.useSearch();
  const navigate = route.useNavigate();
  const setSearch = (patch: SitesSearch) => void navigate({ search: (old) => patched(old, patch), replace: true });
  const { isMixed, tenant } = useScope();
  const { all, ...known } = useSiteStatuses();
  const [paused, isHeld] = useHeld();
  const query = useDeferredValue((search.q ?? "").trim());
  const sort = search.sort ?? "-trouble";
  const sorting = useMemo(() => ({ by: sort.replace(/^-/, ""), desc: sort.startsWith("-") }), [sort]);
  const byId = useMemo<ReadonlyMap<string, SiteStatus>>(() => new Map(all.map((site) => [site.id, site])), [all]);
  const key = [query, sort, tenant?.id].join("\n");
  const fresh = useMemo<Rows>(() => {
    const shown = query ? all.filter((site) => matches(site, query)) : all;
    return { key, ids: inOrder(shown, sorting).map(({ id }) => id) };
  }, [all, query, sorting, key]);
  const [kept, setKept] = useState(NO_ROWS);
  const rows = heldRows(kept, fresh, isHeld && kept.ids.length === fresh.ids.length);
  // Derived while rendering: what was shown last is what is kept.
  if (rows !== kept) setKept(rows);
  const onSort = ({ by, desc }: Sorting) => setSearch({ sort: `${desc ? "-" : ""}${by}` });
  const troubled = useMemo(() => all.filter((site) => troubleShare(site) > 0).length, [all]);
  return {
    ...known, search, setSearch, paused, isHeld, sorting, onSort, byId, ids: rows.ids, total: all.length, troubled, isMixed,
    columns: isMixed ? COLUMNS : OF_ONE_TENANT,
  };
}

export type SiteList = ReturnType<typeof useSiteList>;
