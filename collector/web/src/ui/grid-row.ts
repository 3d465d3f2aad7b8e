import type { CSSProperties, MouseEvent } from "react";

/** Begins the id of a row's element: it is named by the grid, and found by a click. */
export const ROW = "row-";

/** A link whose plain click is its row's: with a key held it is the browser's own way to the page. */
export const ROW_LINK = { "data-of-row": "" } as const;

/** Whether a click within a row is the row's: what is a name, a button or a box does its own. */
export function isOfRow(target: Element, isPrevented: boolean): boolean {
  const own = target.closest("a, button, label, input");
  return !own || (isPrevented && own.hasAttribute("data-of-row"));
}

/** A plain click stays on the page. */
export function stay(event: MouseEvent): void {
  if (!(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) event.preventDefault();
}

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
