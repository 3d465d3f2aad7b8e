/** Where each device stands on a wall that has room for its name: columns that are read downwards, a heading over each site. */

/** Tiles of two lines and of one. */
interface Look {
  isTall: boolean;
  /** So high is a heading, of a tile. */
  head: number;
  /** The least height and width of a tile, in em. */
  least: number;
  wide: number;
  /** As wide as this many times their height they look best. */
  aspect: number;
}

const TALL: Look = { isTall: true, head: 0.45, least: 3.3, wide: 12, aspect: 4 };
const FLAT: Look = { isTall: false, head: 0.75, least: 1.8, wide: 8.5, aspect: 6 };
/** Between tiles, in em. */
const GAP_EM = 0.3;
const SCALE_MAX = 3;

/** Members `from` to `to` of a group; one that begins in the column before has its heading there. */
export interface Part {
  group: number;
  from: number;
  to: number;
}

/** Sums of shares are never quite whole. */
const ALMOST = 1e-9;

/** Groups one below the other in columns that hold `room` tiles each, under headings as high as `head` tiles. A heading never stands at the end of a column. */
export function intoColumns(sizes: readonly number[], room: number, head: number): Part[][] {
  const columns: Part[][] = [[]];
  let left = room;
  const next = () => {
    columns.push([]);
    left = room;
  };
  sizes.forEach((size, group) => {
    if (left < head + 1 - ALMOST) next();
    left -= head;
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
  /** Heights of a tile, with the space below it, and of a heading, as shares of the whole. */
  tile: number;
  head: number;
  /** How much larger than at the least the text is. */
  scale: number;
  /** There is room for a second line. */
  isTall: boolean;
}

interface Box {
  width: number;
  height: number;
  em: number;
}

/** The columns with the largest tiles in which all have a place; null where they would be too small for a name. */
export function nameGrid(sizes: readonly number[], box: Box): NameGrid | null {
  if (box.em === 0 || sizes.length === 0) return null;
  return gridOf(sizes, box, TALL) ?? gridOf(sizes, box, FLAT);
}

function gridOf(sizes: readonly number[], { width, height, em }: Box, { isTall, head, least, wide: narrow, aspect }: Look): NameGrid | null {
  const most = Math.floor(width / ((narrow + GAP_EM) * em));
  const whole = sizes.reduce((sum, size) => sum + size, head * sizes.length);
  let best: { grid: NameGrid; size: number } | null = null;
  for (let count = 1; count <= most; count += 1) {
    let room = Math.max(head + 1, whole / count);
    // What does not fit evenly needs a little more room.
    while (room < whole && intoColumns(sizes, room, head).length > count) room = Math.min(whole, room + 0.1);
    const columns = intoColumns(sizes, room, head);
    const [wide, high] = [width / columns.length / em, height / room / em];
    const size = Math.min(wide / aspect, high);
    if (columns.length > count || high < least || size <= (best?.size ?? 0)) continue;
    const scale = Math.min(SCALE_MAX, Math.max(1, Math.min(high / least, wide / (narrow + GAP_EM))));
    best = { grid: { columns, tile: 1 / room, head: head / room, scale, isTall }, size };
  }
  return best && best.grid;
}
