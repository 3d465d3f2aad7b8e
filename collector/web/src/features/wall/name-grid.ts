/** Where each device stands on a wall that has room for its name: columns that are read downwards, a heading over each site. */

/** So high is a heading, of a tile. */
export const HEAD = 0.7;

/** The least height of a tile with one line and with two, and its least width, in em. */
const FLAT_EM = 2;
const TALL_EM = 3.3;
const WIDE_EM = 8.5;
const GAP_EM = 0.3;
const SCALE_MAX = 3;
/** As wide as this many times their height they look best. */
const ASPECT = 4;

/** Members `from` to `to` of a group; one that begins in the column before has its heading there. */
export interface Part {
  group: number;
  from: number;
  to: number;
}

/** Sums of shares are never quite whole. */
const ALMOST = 1e-9;

/** Groups one below the other in columns that hold `room` tiles each. A heading never stands at the end of a column. */
export function intoColumns(sizes: readonly number[], room: number): Part[][] {
  const columns: Part[][] = [[]];
  let left = room;
  const next = () => {
    columns.push([]);
    left = room;
  };
  sizes.forEach((size, group) => {
    if (left < HEAD + 1 - ALMOST) next();
    left -= HEAD;
    for (let from = 0; from < size;) {
      if (left < 1 - ALMOST) next();
      const to = Math.min(size, from + Math.floor(left + ALMOST));
      columns.at(-1)?.push({ group, from, to });
      left -= to - from;
      from = to;
    }
  });
  return columns;
}

export interface NameGrid {
  columns: Part[][];
  /** Height of a tile, with the space below it, as a share of the whole. */
  tile: number;
  /** How much larger than at the least the text is. */
  scale: number;
  /** There is room for a second line. */
  isTall: boolean;
}

/** The columns with the largest tiles in which all have a place; null where they would be too small for a name. */
export function nameGrid(sizes: readonly number[], { width, height, em }: { width: number; height: number; em: number }): NameGrid | null {
  if (em === 0 || sizes.length === 0) return null;
  const most = Math.floor(width / ((WIDE_EM + GAP_EM) * em));
  const whole = sizes.reduce((sum, size) => sum + size, HEAD * sizes.length);
  let best: (NameGrid & { size: number }) | null = null;
  for (let count = 1; count <= most; count += 1) {
    let room = Math.max(HEAD + 1, whole / count);
    // What does not fit evenly needs a little more room; of a column alone all of it.
    while (room < whole && intoColumns(sizes, room).length > count) room += 0.1;
    const columns = intoColumns(sizes, Math.min(whole, room));
    const [wide, high] = [width / columns.length / em, height / room / em];
    const size = Math.min(wide / ASPECT, high);
    if (columns.length > count || high < FLAT_EM || size <= (best?.size ?? 0)) continue;
    const isTall = high >= TALL_EM;
    const scale = Math.min(SCALE_MAX, Math.max(1, Math.min(high / (isTall ? TALL_EM : FLAT_EM), wide / (WIDE_EM + GAP_EM))));
    best = { columns, tile: 1 / room, scale, isTall, size };
  }
  return best && { columns: best.columns, tile: best.tile, scale: best.scale, isTall: best.isTall };
}
