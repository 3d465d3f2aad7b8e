import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

/** How old may get what does not come by the stream. */
export const REFRESH_MS = 10_000;

/** Asks again every few seconds while somebody looks; nothing, where there are no keys. */
export function useRefresh(keys: readonly QueryKey[], everyMs = REFRESH_MS): void {
  const queries = useQueryClient();
  const text = JSON.stringify(keys);
  useEffect(() => {
    const asked = JSON.parse(text) as QueryKey[];
    if (asked.length === 0) return;
    const timer = setInterval(() => {
      if (document.hidden) return;
      for (const queryKey of asked) void queries.invalidateQueries({ queryKey });
    }, everyMs);
    return () => clearInterval(timer);
  }, [queries, text, everyMs]);
}
