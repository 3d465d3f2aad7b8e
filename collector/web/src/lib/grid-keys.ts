/** Keys of a grid that has the focus: they move a chosen row, not the page. */
interface KeyLike {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** `at` moved by `by` rows; from no row at all, onto the first. */
export function step(at: number, by: number, count: number): number {
  return at < 0 ? 0 : Math.max(0, Math.min(count - 1, at + by));
}

/** The row that a key leads to from row `at`, or null when the key is not the grid's. */
export function gridMove(event: KeyLike, at: number, count: number): number | null {
  if (count === 0 || event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case "ArrowDown":
      return step(at, 1, count);
    case "ArrowUp":
      return step(at, -1, count);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
