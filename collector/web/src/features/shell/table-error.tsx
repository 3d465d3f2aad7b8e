import { live, useLink, useTableValue } from "../../lib/live-app";
import type { LiveTable } from "../../lib/live-table";
import { ErrorNote } from "../../ui/error-note";

/** Why a table could not be loaded, until it is; it is tried again by itself and by hand. */
export function TableError<T extends object>({ table, className = "" }: {
  table: LiveTable<T>; className?: string;
}) {
  const failed = useTableValue(table, ({ error }) => error?.message ?? null);
  const hasRows = useTableValue(table, ({ size }) => size > 0);
  // The bar above every page says already how old the rows are.
  const isTold = useLink(({ phase }) => (phase === "offline" ? "offline" : "")) !== "" && hasRows;
  if (failed === null || !table.error || isTold) return null;
  return <ErrorNote error={table.error} className={className} onRetry={() => live.retry(table)} />;
}
