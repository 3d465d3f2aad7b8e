import type { Read, Sorting } from "../lib/sorting";
import { ariaSort, SortButton } from "./sort-button";

export interface Heading<T> {
  by: string;
  label: string;
  /** What the column counts, where its label leaves room for doubt. */
  note?: string;
  /** Right-aligned, and looked at from the top. */
  figure?: boolean;
  /** What it sorts by; a column without it does not sort. */
  read?: Read<T>;
  /** Left out on the phone. */
  wide?: boolean;
  /** Such as what hides it where there is no room. */
  className?: string;
}

interface Props<T> {
  columns: readonly Heading<T>[];
  /** Null for a list of which only the first pages are here: the server's order stands. */
  sorting: Sorting | null;
  onSort: (next: Sorting) => void;
  hasActions: boolean;
  /** Such as what hides the actions where there is no room. */
  actionClass?: string;
  /** Told, and not shown. */
  isHidden?: boolean;
}

/** The headings of a table that becomes cards on the phone. */
export function TableHead<T>({ columns, sorting, onSort, hasActions, actionClass = "", isHidden = false }: Props<T>) {
  return (
    <thead className={isHidden ? "sr-only" : "text-xs text-muted phone:hidden"}>
      <tr className="h-8 border-y border-line bg-surface">
        {columns.map(({ by, label, note, figure = false, read, className = "" }) => {
          const sorts = sorting !== null && read !== undefined;
          return (
            <th key={by} scope="col" title={note} aria-sort={sorts ? ariaSort(by, sorting) : undefined}
              className={`px-2 font-normal first:pl-4 last:pr-4 ${figure ? "num" : "text-left"} ${className}`}>
              {sorts ? (
                <SortButton by={by} label={label} descFirst={figure} sorting={sorting} onSort={onSort} />
              ) : label}
            </th>
          );
        })}
        {hasActions && <th scope="col" className={`px-2 pr-4 ${actionClass}`}><span className="sr-only">Actions</span></th>}
      </tr>
    </thead>
  );
}

/** The sort functions of the columns that have one. */
export function readsOf<T>(columns: readonly Heading<T>[]): Record<string, Read<T>> {
  const reads: Record<string, Read<T>> = {};
  for (const { by, read } of columns) if (read) reads[by] = read;
  return reads;
}
