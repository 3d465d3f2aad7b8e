import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";

/** How old may get what does not come by the stream. */
export const REFRESH_MS = 10_000;

/** Asks again every few seconds while somebody looks; nothing, where there are no keys. */
export function useRefresh(keys: readonly QueryKey[], everyMs = REFRESH_MS): void {
  const queries = useQueryClient();
  const ask = useEffectEvent(() => {
    if (document.hidden) return;
    for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
  });
  const isAsked = keys.length > 0;
  useEffect(() => {
    if (!isAsked) return;
    const timer = setInterval(() => ask(), everyMs);
    return () => clearInterval(timer);
  }, [isAsked, everyMs]);
}
