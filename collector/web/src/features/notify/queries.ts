/** What the pages of notifications ask the server. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { api, take } from "../../lib/api";
import { narrowed, useScope } from "../../lib/scope";
import { type Pages, ROWS, usePages } from "../../lib/use-pages";
import { useSites } from "../../lib/use-sites";
import type { Channel, Route } from "./types";

export const CHANNELS = ["channels"] as const;
export const ROUTES = ["routes"] as const;
export const DELIVERIES = ["deliveries"] as const;
export const LAST = ["last told"] as const;

export function useChannels(): Pages<Channel> {
  const scope = useScope();
  return usePages([...CHANNELS, "of", scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/channels", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
}

export function useRoutes(): Pages<Route> {
  const scope = useScope();
  return usePages([...ROUTES, "of", scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/routes", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
}

/** When a channel was told something last; null: nothing yet. A newer server says it with the channel. */
type Told = Channel & { last_told_at?: string | null };
/** Each row asks for its own: far less often than for the list. */
const LAST_MS = 60_000;

/** Undefined while it is not known. */
export function useLastTold(channel: Told): string | null | undefined {
  const { id, last_told_at: told } = channel;
  const { data } = useQuery({
    // Below neither of the lists that are asked for again every few seconds.
    queryKey: [...LAST, id],
    enabled: told === undefined,
    refetchInterval: LAST_MS,
    queryFn: async () => {
      const query = { limit: 1 };
      return (await take(api.GET("/api/v1/channels/{id}/deliveries", { params: { path: { id }, query } }))).data[0]?.created_at ?? null;
    },
  });
  return told === undefined ? data : told;
}

/** The name of a site by its id, of all that are in sight. */
export function useSiteName(): (id: string) => string {
  const { tenant } = useScope();
  const sites = useSites(tenant?.id ?? null);
  const names = useMemo(() => sites && new Map(sites.map(({ id, name }) => [id, name])), [sites]);
  // Of one that was deleted the route is left.
  return useCallback((id) => (names ? (names.get(id) ?? "a site that is gone") : "…"), [names]);
}
