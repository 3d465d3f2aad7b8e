/** What the pages of notifications ask the server. */
import { type QueryKey, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { api, PAGE, take, takeAll } from "../../lib/api";
import { narrowed, useScope } from "../../lib/scope";
import { useMay } from "../../lib/role";
import { type Pages, ROWS, usePages } from "../../lib/use-pages";
import type { Channel, Delivery, Route } from "./types";

export const CHANNELS = ["channels"] as const;
export const ROUTES = ["routes"] as const;
export const DELIVERIES = ["deliveries"] as const;

/** How old what is shown may get: nothing of it comes by the stream. */
export const REFRESH_MS = 10_000;

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

/** What a channel was told last: null if nothing, undefined while that is not known. */
export function useLast(id: string): Delivery | null | undefined {
  return useQuery({
    queryKey: [...DELIVERIES, id, "last"],
    queryFn: async () => {
      const query = { limit: 1 };
      return (await take(api.GET("/api/v1/channels/{id}/deliveries", { params: { path: { id }, query } }))).data[0] ?? null;
    },
  }).data;
}

/** The name of a site by its id, of all that are in sight. */
export function useSiteName(): (id: string) => string {
  const scope = useScope();
  const { data } = useQuery({
    queryKey: ["sites", "names", scope.tenant?.id ?? ""],
    queryFn: async () => {
      const sites = await takeAll((cursor) =>
        take(api.GET("/api/v1/sites", { params: { query: { ...narrowed(scope), limit: PAGE, ...(cursor ? { cursor } : {}) } } })));
      return new Map(sites.map(({ id, name }) => [id, name]));
    },
  });
  // Of one that was deleted the route is left.
  return useCallback((id) => (data ? (data.get(id) ?? "a site that is gone") : "…"), [data]);
}

/** Asks again every few seconds while somebody looks. */
export function useRefresh(...keys: readonly QueryKey[]): void {
  const queries = useQueryClient();
  const text = JSON.stringify(keys);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      for (const queryKey of JSON.parse(text) as QueryKey[]) void queries.invalidateQueries({ queryKey });
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [queries, text]);
}

/** Whether the signed-in person administers a tenant: who does not sees its channels and changes none. */
export function useAdminOf(): (tenant: string) => boolean {
  const may = useMay();
  const { tenants } = useScope();
  return useCallback((id) => may.provider || tenants.some((tenant) => tenant.id === id && tenant.role === "tenant_admin"), [may.provider, tenants]);
}
