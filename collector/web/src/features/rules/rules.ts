/** The rules and their metrics, as the pages ask for them. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, PAGE, take, takeAll } from "../../lib/api";
import { type Metrics, metricsBy, NO_METRICS } from "./words";

export const RULES = ["rules"] as const;

/** All of a tenant, or of all tenants: a tenant has 200 at most. */
export function rulesQuery(tenant: string | undefined) {
  const of = tenant ? { tenant } : {};
  return queryOptions({
    queryKey: [...RULES, "list", tenant ?? ""],
    queryFn: () => takeAll((cursor) =>
      take(api.GET("/api/v1/rules", { params: { query: { ...of, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) } } }))),
  });
}

export function ruleQuery(id: string) {
  return queryOptions({
    queryKey: [...RULES, "one", id],
    queryFn: async () => (await take(api.GET("/api/v1/rules/{id}", { params: { path: { id } } }))).data,
  });
}

/** They come with the collector: nothing of them changes while the page is open. */
const metricsQuery = queryOptions({
  queryKey: ["rule-metrics"],
  queryFn: async () => (await take(api.GET("/api/v1/rules/metrics"))).data,
  staleTime: Number.POSITIVE_INFINITY,
});

export function useMetricWords(): Metrics {
  const { data } = useQuery(metricsQuery);
  return useMemo(() => (data ? metricsBy(data) : NO_METRICS), [data]);
}
