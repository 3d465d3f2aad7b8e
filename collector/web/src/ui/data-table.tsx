import { Fragment, type ReactNode, useMemo, useState } from "react";
import { integer } from "../lib/format";
import { sorted, type Sorting, sortingOf, sortText } from "../lib/sorting";
import type { Pages } from "../lib/use-pages";
import { Button } from "./button";
import { ErrorNote } from "./error-note";
import { Skeleton } from "./skeleton";
import { BODY } from "./table-cell";
import { readsOf, TableHead } from "./table-head";
import { type Column, TableRow } from "./table-row";

export type { Column } from "./table-row";

interface Props<T> {
  /** What the rows are: «API keys». */
  label: string;
  list: Pages<T>;
  /** Leaves out rows of a list that is whole. */
  keep?: ((row: T) => boolean) | undefined;
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  first: Sorting;
  /** Where the order is kept elsewhere, such as in the URL: `name`, or `-name` for the other way. */
  sort?: string | undefined;
  onSort?: (sort: string | undefined) => void;
  /** A heading over the rows that follow each other with the same one. */
  groupOf?: ((row: T) => string) | undefined;
  /** Rows that need no headings, such as sentences: they keep their order. */
  hasNoHead?: boolean;
  /** Shown when the list has no row at all. */
  empty: ReactNode;
  renderActions?: ((row: T) => ReactNode) | undefined;
  /** More of a row, below it when it is opened. */
  renderDetail?: ((row: T) => ReactNode) | undefined;
}

/**
 * A list of the API: loading, failed, empty, or rows with «Show more» while there are pages left.
 *
 * Sorting is offered only when the list is whole: to sort its first page would hide what comes first.
 */
export function DataTable<T>({ label, list, keep, columns, keyOf, first, sort, onSort, groupOf, hasNoHead = false, empty, renderActions, renderDetail }: Props<T>) {
  const [own, setOwn] = useState(first);
  const sorting = useMemo(() => (sort ? sortingOf(sort) : onSort ? first : own), [sort, onSort, first, own]);
  const setSorting = (next: Sorting) => (onSort ? onSort(sortText(next) === sortText(first) ? undefined : sortText(next)) : setOwn(next));
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
          <TableHead columns={columns} sorting={more || hasNoHead ? null : sorting} onSort={setSorting} isHidden={hasNoHead}
            hasActions={!!renderActions || !!renderDetail} />
          <tbody className={BODY}>
            {shown.map((row, at) => {
              const before = shown[at - 1];
              const group = groupOf?.(row);
              return (
                <Fragment key={keyOf(row)}>
                  {group !== undefined && (before === undefined || groupOf?.(before) !== group) && (
                    <tr className="phone:block" data-group>
                      <th scope="colgroup" colSpan={columns.length + 1}
                        className="border-b border-line px-4 pt-4 pb-1.5 text-left text-xs font-medium text-muted phone:block phone:border-0 phone:px-0.5 phone:pt-2 phone:pb-0">
                        {group}
                      </th>
                    </tr>
                  )}
                  <TableRow row={row} id={keyOf(row)} columns={columns} renderActions={renderActions} renderDetail={renderDetail} />
                </Fragment>
              );
            })}
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
