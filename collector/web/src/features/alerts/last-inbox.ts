/** Where a person was among the alerts, so that the way back from one of them leads there. */
import type { InboxSearch } from "./use-inbox";

interface Place {
  search: InboxSearch;
  chosen: string | null;
}

const NOWHERE: Place = { search: {}, chosen: null };
let place = NOWHERE;

export function lastInbox(): Place {
  return place;
}

export function rememberInbox(part: Partial<Place>): void {
  place = { ...place, ...part };
}

/** At sign-out: the next person begins with all that is open. */
export function forgetInbox(): void {
  place = NOWHERE;
}
