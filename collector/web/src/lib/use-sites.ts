/** The sites of a tenant, or of all that are in sight, as pages, selects and sentences need them. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, PAGE, take, takeAll } from "./api";
import { byName } from "./format";
import type { Site } from "./types";

/** Begins the keys of all that is asked of sites. */
export const SITES = ["sites"] as const;

/** By name. `tenant`: null for all, empty for none. */
export function sitesQuery(tenant: string | null) {
  return queryOptions({
    queryKey: [...SITES, "by name", tenant],
    enabled: tenant !== "",
    queryFn: async () => {
      const of = tenant === null ? {} : { tenant };
      const sites = await takeAll((cursor) =>
        take(api.GET("/api/v1/sites", { params: { query: { ...of, limit: PAGE, ...(cursor ? { cursor } : {}) } } })));
      return sites.toSorted((a, b) => byName(a.name, b.name));
    },
  });
}

/** Undefined while they are not known. */
export function useSites(tenant: string | null): readonly Site[] | undefined {
  return useQuery(sitesQuery(tenant)).data;
}
