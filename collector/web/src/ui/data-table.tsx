import { type ReactNode, useMemo, useState } from "react";
import { integer } from "../lib/format";
import { sorted, type Sorting } from "../lib/sorting";
import type { Pages } from "../lib/use-pages";
import { Button } from "./button";
import { ErrorNote } from "./error-note";
import { Skeleton } from "./skeleton";
import { ActionCell, BODY, Cell, ROW } from "./table-cell";
import { type Heading, readsOf, TableHead } from "./table-head";

export interface Column<T> extends Heading<T> {
  cell: (row: T) => ReactNode;
  /** The name of the row. */
  title?: boolean;
  className?: string;
}

interface Props<T> {
  /** What the rows are: «API keys». */
  label: string;
  list: Pages<T>;
  /** Leaves out rows of a list that is whole. */
  keep?: ((row: T) => boolean) | undefined;
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  first: Sorting;
  /** Shown when the list has no row at all. */
  empty: ReactNode;
  renderActions?: ((row: T) => ReactNode) | undefined;
}

/**
 * A list of the API: loading, failed, empty, or rows with «Show more» while there are pages left.
 *
 * Sorting is offered only when the list is whole: to sort its first page would hide what comes first.
 */
export function DataTable<T>({ label, list, keep, columns, keyOf, first, empty, renderActions }: Props<T>) {
  const [sorting, setSorting] = useState(first);
  const { rows, more, phase, error } = list;
  const shown = useMemo(() => {
    const kept = keep ? rows.filter(keep) : rows;
    return more ? kept : sorted(kept, readsOf(columns), sorting);
  }, [rows, keep, more, columns, sorting]);
  return (
    <>
      {error && <ErrorNote error={error} className="mx-4 my-2 phone:mx-3" onRetry={list.retry} />}
      {phase === "loading" && <Skeleton label={`Loading ${label}`} />}
      {phase === "ready" && rows.length === 0 && empty}
      {rows.length > 0 && (
        <table className="w-full border-collapse phone:block" aria-label={label}>
          <TableHead columns={columns} sorting={more ? null : sorting} onSort={setSorting} hasActions={!!renderActions} />
          <tbody className={BODY}>
            {shown.map((row) => (
              <tr key={keyOf(row)} className={ROW} data-row={keyOf(row)}>
                {columns.map(({ by, label: name, cell, figure, title, wide, className = "" }) => (
                  <Cell key={by} figure={figure} title={title} label={title ? undefined : name}
                    className={`${className} ${wide ? "phone:hidden" : ""}`}>
                    {cell(row)}
                  </Cell>
                ))}
                {renderActions && <ActionCell>{renderActions(row)}</ActionCell>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {more && (
        <div className="flex items-center gap-3 px-4 py-3 phone:px-3">
          <Button onClick={more} disabled={list.isLoadingMore}>
            {list.isLoadingMore ? "Loading…" : "Show more"}
          </Button>
          <span className="text-xs text-muted">
            {integer(rows.length)}{list.total !== null && ` of ${integer(list.total)}`}
          </span>
        </div>
      )}
    </>
  );
}
