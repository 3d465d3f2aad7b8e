/** What fits on a screen that nobody scrolls. All lengths are in the same unit. */

/** How many lines of a list fit; where not all do, the last place is for how many there are besides. */
export function fitLines(total: number, height: number, line: number): number {
  const room = Math.max(0, Math.floor(height / line));
  return total <= room ? total : Math.max(0, room - 1);
}

/** How high a line is at its smallest, with the space below it, in em; and one whose title may take two lines. */
export const LINE_EM = 3.5;
const TALL_EM = 4.9;
/** So wide is what a line says, in em: a larger text has to have as much room. */
const SAYS_EM = 27;
const SCALE_MAX = 2.8;

export interface Lines {
  /** How much larger than at the least its text is. */
  scale: number;
  /** There is room for titles of two lines. */
  isTall: boolean;
}

/** How large the lines may be where few are to be shown. `em` as the others. */
export function lineSize(total: number, { width, height, em }: { width: number; height: number; em: number }): Lines {
  const isTall = height >= total * TALL_EM * em;
  const room = Math.min(height / (total * (isTall ? TALL_EM : LINE_EM)), width / SAYS_EM) / em;
  return { scale: Math.min(SCALE_MAX, Math.max(1, room)), isTall };
}

export interface Grid {
  columns: number;
  rows: number;
}

interface Tiles {
  count: number;
  width: number;
  height: number;
  gap: number;
  /** The least a tile may be. */
  least: { width: number; height: number };
  /** As wide as this many times their height they look best. */
  aspect: number;
}

const cut = (whole: number, parts: number, gap: number) => (whole - gap * (parts - 1)) / parts;

/** The grid with the largest tiles in which all have a place; null where they would be too small. */
export function tileGrid({ count, width, height, gap, least, aspect }: Tiles): Grid | null {
  let best: (Grid & { size: number }) | null = null;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const [wide, high] = [cut(width, columns, gap), cut(height, rows, gap)];
    if (wide < least.width) break;
    const size = Math.min(wide / aspect, high);
    if (high >= least.height && size > (best?.size ?? 0)) best = { columns, rows, size };
  }
  return best && { columns: best.columns, rows: best.rows };
}

/** The grid with the most tiles. */
export function fullGrid({ width, height, gap, least }: Omit<Tiles, "count" | "aspect">): Grid {
  const most = (whole: number, part: number) => Math.max(1, Math.floor((whole + gap) / (part + gap)));
  return { columns: most(width, least.width), rows: most(height, least.height) };
}

/** Columns of the largest squares of which all fit, none larger than `most`; and how large they are. */
export function squares(count: number, width: number, height: number, most: number): { columns: number; size: number } {
  if (count === 0 || width <= 0 || height <= 0) return { columns: 1, size: 0 };
  let best = { columns: 1, size: 0 };
  // The best is near the square root; a few to each side cover the rounding.
  const near = Math.ceil(Math.sqrt((count * width) / height));
  for (let columns = Math.max(1, near - 2); columns <= near + 2; columns += 1) {
    const size = Math.min(width / columns, height / Math.ceil(count / columns), most);
    if (size > best.size) best = { columns, size };
  }
  // Where they could be larger than they may: as many in a line as there is room for.
  return best.size < most ? best : { columns: Math.max(1, Math.min(count, Math.floor(width / most))), size: most };
}
