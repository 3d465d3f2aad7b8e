import { live, useTableValue } from "../../lib/live-app";
import type { LiveTable } from "../../lib/live-table";
import { ErrorNote } from "../../ui/error-note";

/** Why a table could not be loaded, until it is; it is tried again by itself and by hand. */
export function TableError<T extends object>({ table, className = "" }: {
  table: LiveTable<T>; className?: string;
}) {
  const failed = useTableValue(table, ({ error }) => error?.message ?? null);
  if (failed === null || !table.error) return null;
  return <ErrorNote error={table.error} className={className} onRetry={() => live.retry(table)} />;
}
