import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import { currentSecond } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { useTenantsFor } from "../../lib/role";
import { isInScope as isOfTenant, useScope } from "../../lib/scope";
import { patched } from "../../lib/search-patch";
import { sortingOf, sortText, toggled } from "../../lib/sorting";
import { agedCount, shownDevices } from "../../lib/state";
import type { Device, State } from "../../lib/types";
import { shownColumns } from "./column-set";
import { type FleetColumn, inOrder, matches } from "./columns";
import { useLeaving } from "./leaving";
import { NO_ROOM, type Room, roomOf } from "./room";
import { useHeld } from "../../lib/use-held";
import { useSnapshot } from "../../lib/use-snapshot";

const route = getRouteApi("/_app/fleet");

export interface FleetSearch {
  q?: string | undefined;
  state?: State | undefined;
  tag?: string | undefined;
  sort?: string | undefined;
  /** The device beside the list. */
  open?: string | undefined;
  cols?: string | undefined;
}

const secondMs = () => currentSecond() * 1000;
const aged = () => agedCount(live.devices.list(), secondMs());
const asShown = (rows: readonly Device[]) => shownDevices(rows, secondMs());

/** The snapshot that orders the rows: while held it stays, unless rows came or went. */
export function useOrder(fresh: readonly Device[], held: boolean): readonly Device[] {
  const [kept, setKept] = useState(fresh);
  const order = held && kept.length === fresh.length ? kept : fresh;
  // Derived while rendering: what was shown last is what is kept.
  if (order !== kept) setKept(order);
  return order;
}

/** Room for the longest texts so far of one choice of tenants. */
function useRoom(devices: readonly Device[], called: (device: Device) => string, tenant: string | null): Room {
  const [kept, setKept] = useState({ tenant, room: NO_ROOM });
  const before = kept.tenant === tenant ? kept.room : NO_ROOM;
  const room = useMemo(() => roomOf(devices, called, before, secondMs()), [devices, called, before]);
  // Derived while rendering: what was needed once stays.
  if (room !== kept.room || tenant !== kept.tenant) setKept({ tenant, room });
  return room;
}

export function useFleet() {
  const search: FleetSearch = route.useSearch();
  const navigate = route.useNavigate();
  const setSearch = (patch: FleetSearch) => void navigate({ search: (old) => patched(old, patch), replace: true });
  const [paused, held] = useHeld();
  const snapshot = useSnapshot(live.devices, aged, asShown);
  const leaving = useLeaving();
  // What is about to be removed is gone for who has removed it, until they undo it.
  const all = useMemo(() => (leaving.size === 0 ? snapshot : snapshot.filter(({ id }) => !leaving.has(id))), [snapshot, leaving]);
  const ordered = useOrder(all, held);
  const query = useDeferredValue(search.q ?? "");
  const { state, tag } = search;
  const scope = useScope();
  const names = useDeviceNames();

  const isInScope = useCallback(
    (device: Device) =>
      isOfTenant(scope, device) && (!tag || device.tags.includes(tag)) && (!query || matches(device, names.name(device), query)),
    [scope, names, query, tag],
  );
  const inScope = useMemo(() => all.filter(isInScope), [all, isInScope]);
  const counts = useMemo(() => {
    const by: Record<State, number> = { up: 0, degraded: 0, down: 0, unknown: 0 };
    for (const device of inScope) by[device.state] += 1;
    return by;
  }, [inScope]);
  const data = useMemo(
    () => ordered.filter((device) => (!state || device.state === state) && isInScope(device)),
    [ordered, isInScope, state],
  );

  const sort = search.sort ?? "state";
  const sorting = useMemo(() => sortingOf(sort), [sort]);
  const rows = useMemo(() => inOrder(data, sorting), [data, sorting]);
  const sortBy = ({ id, descFirst }: FleetColumn) => {
    setSearch({ sort: sortText(toggled(sorting, id, descFirst)) });
  };
  const { cols } = search;
  const columns = useMemo(() => shownColumns(cols, scope.isMixed), [cols, scope.isMixed]);
  const called = useCallback((device: Device) => names.name(device), [names]);
  const room = useRoom(inScope, called, scope.tenant?.id ?? null);
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  const writable = useTenantsFor("write");
  const canChange = useMemo<ReadonlySet<string>>(() => {
    const tenants = new Set(writable.map(({ id }) => id));
    return new Set(rows.filter(({ tenant }) => tenants.has(tenant.id)).map(({ id }) => id));
  }, [rows, writable]);
  const total = useMemo(() => all.filter((device) => isOfTenant(scope, device)).length, [all, scope]);
  return { search, setSearch, paused, held, sorting, sortBy, columns, ids, canChange, counts, total, room, isMixed: scope.isMixed };
}

export type Fleet = ReturnType<typeof useFleet>;
