import { useState } from "react";

/** The last failure, kept while it is tried again, until there is something to show. */
export function useKeptError(error: Error | null, isLoaded: boolean): Error | null {
  const [kept, setKept] = useState<Error | null>(null);
  const next = isLoaded ? null : (error ?? kept);
  if (next !== kept) setKept(next);
  return next;
}
