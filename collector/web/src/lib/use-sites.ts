/** The sites of a tenant, or of all that are in sight, as selects and sentences need them. */
import { useQuery } from "@tanstack/react-query";
import { api, PAGE, take, takeAll } from "./api";
import { byName } from "./format";
import type { Site } from "./types";

/** By name; undefined while they are not known. `tenant`: null for all, empty for none. */
export function useSites(tenant: string | null): readonly Site[] | undefined {
  return useQuery({
    queryKey: ["sites", "by name", tenant],
    enabled: tenant !== "",
    queryFn: async () => {
      const of = tenant === null ? {} : { tenant };
      const sites = await takeAll((cursor) =>
        take(api.GET("/api/v1/sites", { params: { query: { ...of, limit: PAGE, ...(cursor ? { cursor } : {}) } } })));
      return sites.toSorted((a, b) => byName(a.name, b.name));
    },
  }).data;
}
