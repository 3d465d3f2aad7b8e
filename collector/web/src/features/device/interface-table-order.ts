/** Which interfaces the table shows, and in which order. */
import { useEffect, useMemo, useRef, useState } from "react";
import { byName } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { type Read, sorted, type Sorting } from "../../lib/sorting";
import { STATE_RANK } from "../../lib/state";
import type { Interface } from "../../lib/types";

/** Rows keep their place this long while values change. */
const ORDER_MS = 1000;

export const DEVICE_ORDER: Sorting = { by: "index", desc: false };

const READS: Readonly<Record<string, Read<Interface>>> = {
  index: (row) => row.index,
  // A port that somebody switched off is no news.
  state: (row) => (row.admin === "down" ? STATE_RANK.unknown + 0.5 : STATE_RANK[row.state]),
  name: (row) => row.name || row.description || row.object,
  speed: (row) => row.speed_bps,
  in: (row) => row.in_bps,
  out: (row) => row.out_bps,
  errors: errorRate,
};

/** Errors and discards per second, both ways; null while none is known. */
export function errorRate(row: Interface): number | null {
  const known = [row.in_errors_ps, row.out_errors_ps, row.in_discards_ps, row.out_discards_ps]
    .filter((value) => value !== null);
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) : null;
}

export function matchesPort(row: Interface, query: string): boolean {
  const hay = `${row.name}\n${row.description}\n${row.alias}\n${row.mac ?? ""}`.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

export function portsInOrder(rows: readonly Interface[], query: string, sorting: Sorting): Interface[] {
  const shown = query ? rows.filter((row) => matchesPort(row, query)) : rows;
  const inOrder = sorted(shown, READS, DEVICE_ORDER);
  return sorting.by === "index" ? inOrder : sorted(inOrder, READS, sorting);
}

/** Sorted and filtered; the order is held while `held` says so. */
export function usePorts(device: string, query: string, sorting: Sorting) {
  const table = live.interfaces(device);
  const membership = useTableValue(table, (rows) => rows.membership);
  const held = useRef(false);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!held.current) setVersion(table.version);
    }, ORDER_MS);
    return () => clearInterval(timer);
  }, [table]);
  const ids = useMemo(
    () => portsInOrder(table.list(), query, sorting).map((row) => row.object),
    // oxlint-disable-next-line react/exhaustive-deps -- the versions stand for the list
    [table, membership, version, query, sorting],
  );
  return { ids, held, total: table.size };
}

/** Interfaces in the device's own order. */
export function useInterfaceOrder(device: string): readonly Interface[] {
  const table = live.interfaces(device);
  const membership = useTableValue(table, (rows) => rows.membership);
  return useMemo(
    () => table.list().toSorted((a, b) => a.index - b.index || byName(a.name, b.name)),
    // oxlint-disable-next-line react/exhaustive-deps -- membership stands for the list
    [table, membership],
  );
}
