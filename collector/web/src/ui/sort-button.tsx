import { type Sorting, toggled } from "../lib/sorting";
import { Icon } from "./icon";

interface Props {
  by: string;
  label: string;
  sorting: Sorting;
  onSort: (next: Sorting) => void;
  /** Figures are looked at from the top. */
  descFirst?: boolean;
}

export function ariaSort(by: string, sorting: Sorting): "ascending" | "descending" | "none" {
  if (sorting.by !== by) return "none";
  return sorting.desc ? "descending" : "ascending";
}

/** The heading of a column that sorts. Its cell carries `ariaSort`. */
export function SortButton({ by, label, sorting, onSort, descFirst = false }: Props) {
  const on = sorting.by === by;
  return (
    <button
      type="button"
      data-sort={by}
      onClick={() => onSort(toggled(sorting, by, descFirst))}
      className={`inline-flex h-7 max-w-full min-w-6 items-center gap-0.5 whitespace-nowrap hover:text-text ${
        on ? "font-medium text-text" : ""
      }`}
    >
      {label}
      {on && <Icon name={sorting.desc ? "down" : "up"} size={11} />}
    </button>
  );
}
