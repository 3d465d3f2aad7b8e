import type { KeyboardEvent } from "react";

interface Calls {
  clear: () => void;
  /** Leads to the first row; false when there is none to lead to. */
  toRows: () => boolean;
}

/** Keys of a filter above a list: down into the rows, Esc clears first and leaves then. */
export function onFilterKey(event: KeyboardEvent<HTMLInputElement>, { clear, toRows }: Calls): void {
  // The Enter that ends a composition is of the input method.
  if (event.nativeEvent.isComposing) return;
  const input = event.currentTarget;
  if (event.key === "Escape") {
    event.preventDefault();
    if (input.value) clear();
    else input.blur();
  } else if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    // On a phone the keys go away and show the rows.
    if (!toRows()) input.blur();
  }
}
