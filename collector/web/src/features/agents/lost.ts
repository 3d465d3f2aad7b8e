/** What an agent lost for good within a time, of a list that tells the oldest first. */
import type { components } from "../../api.gen";

type Gap = Pick<components["schemas"]["Gap"], "to" | "count">;

interface Page {
  data: readonly Gap[];
  meta: { next_cursor: string | null };
}

export interface Lost {
  gaps: number;
  samples: number;
  /** There are more than were looked at. */
  isCut: boolean;
}

/** An agent that loses more often than these pages hold has other troubles than how many they are. */
export const PAGES_MAX = 10;

/** `from` in milliseconds. */
export async function lostSince(from: number, page: (cursor: string | undefined) => Promise<Page>): Promise<Lost> {
  const lost: Lost = { gaps: 0, samples: 0, isCut: false };
  let cursor: string | undefined;
  for (let asked = 0; asked < PAGES_MAX; asked += 1) {
    // Pages depend on the cursor before them.
    // oxlint-disable-next-line no-await-in-loop
    const { data, meta } = await page(cursor);
    for (const { to, count } of data) {
      if (Date.parse(to) < from) continue;
      lost.gaps += 1;
      lost.samples += count;
    }
    if (meta.next_cursor === null) return lost;
    cursor = meta.next_cursor;
  }
  return { ...lost, isCut: true };
}
