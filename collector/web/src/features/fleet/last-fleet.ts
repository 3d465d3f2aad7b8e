/** Where a person was in the fleet, so that the way back from a device leads there. */
import type { FleetSearch } from "./use-fleet";

interface Place {
  search: FleetSearch;
  chosen: string | null;
}

const NOWHERE: Place = { search: {}, chosen: null };
let place = NOWHERE;

export function lastFleet(): Place {
  return place;
}

export function rememberFleet(part: Partial<Place>): void {
  place = { ...place, ...part };
}

/** At sign-out: the next person begins with the whole fleet. */
export function forgetFleet(): void {
  place = NOWHERE;
}
