/** Places of a word in a text, for who looks for it on the page. */
export interface Place {
  from: number;
  to: number;
}

/** More are not shown; nobody steps through as many. */
export const PLACES_MAX = 1000;

export function findAll(text: string, word: string, max = PLACES_MAX): Place[] {
  const wanted = word.toLowerCase();
  if (wanted === "") return [];
  // Of one length with the text for all that configurations are written in; else places would be off.
  const lower = text.toLowerCase();
  const hay = lower.length === text.length ? lower : text;
  const places: Place[] = [];
  for (let at = hay.indexOf(wanted); at >= 0 && places.length < max; at = hay.indexOf(wanted, at + wanted.length)) {
    places.push({ from: at, to: at + wanted.length });
  }
  return places;
}

/** The place after or before one, around the ends. */
export function nextPlace(at: number, by: 1 | -1, count: number): number {
  return count === 0 ? -1 : (at + by + count) % count;
}
