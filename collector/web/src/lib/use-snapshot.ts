import { useEffect, useMemo, useState } from "react";
import { useEachSecond, useTableValue } from "./live-app";
import type { LiveTable } from "./live-table";

const none = () => 0;
/** Rows keep their place this long while values change. */
const ORDER_MS = 1000;

/**
 * The rows of a live table as they stood at the last second; each row on the page is live by its own.
 * `turned` counts what changes without a word of the server: a silence ends, a value grows old. `atOnce` counts
 * what somebody here has just done: they wait for no second.
 */
export function useSnapshot<T extends object>(
  table: LiveTable<T>, turned: () => number, read: (rows: readonly T[]) => readonly T[], atOnce: (rows: readonly T[]) => number = none,
): readonly T[] {
  const membership = useTableValue(table, (one) => one.membership);
  const turn = useEachSecond(turned);
  const done = useTableValue(table, (one) => atOnce(one.list()));
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setVersion(table.version);
    }, ORDER_MS);
    return () => clearInterval(timer);
  }, [table]);
  // oxlint-disable-next-line react/exhaustive-deps -- the figures stand for the list
  return useMemo(() => read(table.list()), [membership, version, turn, done]);
}
