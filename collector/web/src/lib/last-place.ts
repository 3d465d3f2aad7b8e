/** Where a person was in a list, so that the way back from one of its rows leads there. */
export interface Place<S> {
  search: S;
  chosen: string | null;
}

const all: (() => void)[] = [];

/** One for each list; the page goes, the place stays. */
export function lastPlace<S extends object>(nowhere: S): { last: () => Place<S>; remember: (part: Partial<Place<S>>) => void } {
  const start: Place<S> = { search: nowhere, chosen: null };
  let place = start;
  all.push(() => (place = start));
  return {
    last: () => place,
    remember: (part) => {
      place = { ...place, ...part };
    },
  };
}

/** At sign-out: the next person begins with all there is. */
export function forgetPlaces(): void {
  for (const forget of all) forget();
}
