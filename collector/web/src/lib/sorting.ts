/** Order of a table by one of its columns. */
import { byName } from "./format";

export interface Sorting {
  by: string;
  desc: boolean;
}

/** What a column sorts by. Nothing known comes last, whichever way. */
export type Read<T> = (row: T) => string | number | null;

export function sorted<T>(
  rows: readonly T[], reads: Readonly<Record<string, Read<T>>>, { by, desc }: Sorting,
): T[] {
  const read = reads[by];
  if (!read) return [...rows];
  return rows.toSorted((a, b) => {
    const [x, y] = [read(a), read(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order = typeof x === "number" && typeof y === "number" ? x - y : byName(String(x), String(y));
    return desc ? -order : order;
  });
}

/** As a URL has it: the way down begins with a dash. */
export function sortText({ by, desc }: Sorting): string {
  return `${desc ? "-" : ""}${by}`;
}

export function sortingOf(text: string): Sorting {
  return { by: text.replace(/^-/, ""), desc: text.startsWith("-") };
}

/** A click on a heading: first its own way, then the other. */
export function toggled(now: Sorting, by: string, descFirst: boolean): Sorting {
  return { by, desc: now.by === by ? !now.desc : descFirst };
}
