import type { CSSProperties } from "react";

/** Begins the id of a row's element: it is named by the grid, and found by a click. */
export const ROW = "row-";

/** What the grid gives each row; `marked` is null where nothing can be marked. */
export interface GridRow {
  id: string;
  index: number;
  selected: boolean;
  marked: boolean | null;
  onMark: ((id: string) => void) | undefined;
  style: CSSProperties;
}

/** The attributes of a row's element: what is marked is selected, what the keys are at is the active descendant. */
export function rowProps({ id, index, selected, marked, style }: Pick<GridRow, "id" | "index" | "selected" | "marked" | "style">) {
  return {
    role: "row", id: ROW + id, "aria-rowindex": index + 2, "aria-selected": marked ?? selected,
    ...(selected ? { "data-chosen": "" } : {}), style,
  } as const;
}
