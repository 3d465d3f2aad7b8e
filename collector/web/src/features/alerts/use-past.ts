/** The alerts that are over, page by page, the newest first: they are not live, but the next one that ends brings them anew. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, take } from "../../lib/api";
import { live, useTableValue } from "../../lib/live-app";
import type { Alert } from "../../lib/types";
import type { About } from "./filter";
import { useSettled } from "../../lib/use-settled";
import { ROWS } from "../../lib/use-pages";

export interface Asked {
  severity: string | undefined;
  query: string;
  tenant: string | undefined;
  about: About;
}

export interface Past {
  rows: readonly Alert[];
  byId: ReadonlyMap<string, Alert>;
  total: number | null;
  isLoading: boolean;
  error: Error | null;
  retry: () => void;
  more: (() => void) | null;
  isLoadingMore: boolean;
}

const PAST = ["alerts", "resolved"] as const;

/** The alert that ended last; empty where none did. */
export function lastEnded(alerts: readonly Alert[]): string {
  let [last, endedAt] = ["", 0];
  for (const { id, resolved_at: at } of alerts) {
    const ended = at === null ? 0 : Date.parse(at);
    if (ended > endedAt || (ended === endedAt && ended > 0 && id > last)) [last, endedAt] = [id, ended];
  }
  return last;
}

export function usePast({ severity, query, tenant, about }: Asked, isAsked: boolean): Past {
  const queries = useQueryClient();
  const q = useSettled(query);
  const asked = {
    phase: "resolved", limit: ROWS, ...(severity ? { severity } : {}), ...(q ? { q } : {}), ...(tenant ? { tenant } : {}),
    ...(about.device ? { device: about.device } : {}), ...(about.agent ? { agent: about.agent } : {}), ...(about.rule ? { rule: about.rule } : {}),
  };
  const list = useInfiniteQuery({
    queryKey: [...PAST, asked],
    enabled: isAsked,
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/alerts", { params: { query: pageParam === undefined ? asked : { ...asked, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ meta }) => meta.next_cursor ?? undefined,
  });
  const ended = useTableValue(live.alerts, (table) => lastEnded(table.list()));
  useEffect(() => {
    if (ended) void queries.invalidateQueries({ queryKey: PAST });
  }, [queries, ended]);
  const { data } = list;
  const rows = useMemo(() => (isAsked ? (data?.pages.flatMap((page) => page.data) ?? []) : []), [data, isAsked]);
  const byId = useMemo(() => new Map(rows.map((row) => [row.id, row])), [rows]);
  return {
    rows, byId,
    total: data?.pages[0]?.meta.total ?? null,
    isLoading: isAsked && !data && !list.error,
    error: isAsked ? list.error : null,
    retry: () => void list.refetch(),
    more: isAsked && list.hasNextPage ? () => void list.fetchNextPage() : null,
    isLoadingMore: list.isFetchingNextPage,
  };
}
