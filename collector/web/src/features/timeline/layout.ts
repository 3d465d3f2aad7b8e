/** Where the marks of a time line stand. Marks that would cover each other are one. */
export interface At {
  /** RFC 3339. */
  at: string;
}

export interface Mark<T> {
  /** 0 to 1, from the beginning of the range to its end. */
  share: number;
  /** What happened there, newest first. */
  items: readonly T[];
}

/** What happened within a range: the server was asked for one that may have moved on since. */
export function inside<T extends At>(items: readonly T[], { from, to }: { from: number; to: number }): T[] {
  return items.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to);
}

/** `near`: marks closer than this share of the line are one. */
export function layout<T extends At>(items: readonly T[], from: number, to: number, near: number): Mark<T>[] {
  const length = to - from;
  if (!(length > 0)) return [];
  const placed = items
    .map((item) => ({ item, share: (Date.parse(item.at) - from) / length }))
    .filter(({ share }) => share >= 0 && share <= 1)
    .toSorted((a, b) => a.share - b.share);
  const groups: { first: number; last: number; items: T[] }[] = [];
  for (const { item, share } of placed) {
    const group = groups.at(-1);
    // Measured from where the group began: a long row of near ones must not become a single mark.
    if (group && share - group.first < near) {
      group.items.unshift(item);
      group.last = share;
    } else groups.push({ first: share, last: share, items: [item] });
  }
  return groups.map(({ first, last, items: all }) => ({ share: (first + last) / 2, items: all }));
}

/** The mark that an arrow leads to; it stays at the ends. */
export function moved(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowRight":
      return Math.min(at + 1, count - 1);
    case "ArrowLeft":
      return Math.max(at - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
