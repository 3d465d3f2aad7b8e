/** What the pages of notifications ask the server. */
import { useCallback, useMemo } from "react";
import { api, take } from "../../lib/api";
import { narrowed, useScope } from "../../lib/scope";
import { type Pages, ROWS, usePages } from "../../lib/use-pages";
import { useSites } from "../../lib/use-sites";
import type { Channel, Route } from "./types";

export const CHANNELS = ["channels"] as const;
export const ROUTES = ["routes"] as const;
export const DELIVERIES = ["deliveries"] as const;

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

/** The name of a site by its id, of all that are in sight. */
export function useSiteName(): (id: string) => string {
  const { tenant } = useScope();
  const sites = useSites(tenant?.id ?? null);
  const names = useMemo(() => sites && new Map(sites.map(({ id, name }) => [id, name])), [sites]);
  // Of one that was deleted the route is left.
  return useCallback((id) => (names ? (names.get(id) ?? "a site that is gone") : "…"), [names]);
}
