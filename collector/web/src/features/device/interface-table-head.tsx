import type { RefObject } from "react";
import { onFilterKey } from "../../lib/filter-keys";
import { integer } from "../../lib/format";
import type { Sorting } from "../../lib/sorting";
import { usePhone } from "../../lib/use-phone";
import { INPUT } from "../../ui/field";
import { ariaSort, SortButton } from "../../ui/sort-button";

const COLUMNS = [
  { by: "state", label: "State" },
  { by: "name", label: "Interface" },
  { by: "speed", label: "Speed", figure: true },
  { by: "in", label: "In Mb/s", figure: true },
  { by: "out", label: "Out Mb/s", figure: true },
  { by: "errors", label: "Err /s", figure: true, title: "Errors and discards per second, both directions" },
] as const;

interface FilterProps {
  input: RefObject<HTMLInputElement | null>;
  query: string;
  onQuery: (query: string) => void;
  toRows: () => boolean;
  shown: number;
  total: number;
}

export function PortFilter({ input, query, onQuery, toRows, shown, total }: FilterProps) {
  const phone = usePhone();
  return (
    <div className="flex items-center gap-3 border-b border-line px-3 py-2">
      <input
        ref={input}
        type="search"
        aria-label="Filter interfaces"
        placeholder={phone ? "Filter" : "Filter  ( / )"}
        className={`${INPUT} max-w-64`}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => onFilterKey(event, { clear: () => onQuery(""), toRows })}
      />
      <span className="ml-auto text-xs text-muted">
        {integer(shown)} of {integer(total)}
      </span>
    </div>
  );
}

export function PortHead({ sorting, onSort }: { sorting: Sorting; onSort: (next: Sorting) => void }) {
  return (
    <div
      role="row"
      aria-rowindex={1}
      className="if-grid sticky top-0 z-10 h-8 border-b border-line bg-surface text-xs text-muted phone:hidden"
    >
      {COLUMNS.map((column) => {
        const figure = "figure" in column;
        return (
          <div key={column.by} role="columnheader" aria-sort={ariaSort(column.by, sorting)}
            className={figure ? "num" : ""} title={"title" in column ? column.title : undefined}>
            <SortButton by={column.by} label={column.label} descFirst={figure} sorting={sorting} onSort={onSort} />
          </div>
        );
      })}
    </div>
  );
}
