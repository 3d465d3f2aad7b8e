/** A list that the server gives page by page, each after the cursor of the one before. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

/** Rows of one page of a list that a person reads. */
export const ROWS = 200;

export interface Answer<T> {
  data: T[];
  meta: { next_cursor: string | null; total?: number | null };
}

export interface Pages<T> {
  rows: readonly T[];
  /** Length of the whole list, where the server knows it. */
  total: number | null;
  phase: "loading" | "failed" | "ready";
  /** It is known that there is nothing. */
  isEmpty: boolean;
  error: Error | null;
  retry: () => void;
  /** Loads the next page; null when the list is whole. */
  more: (() => void) | null;
  isLoadingMore: boolean;
}

export function usePages<T>(
  key: readonly unknown[], page: (cursor: { cursor?: string }) => Promise<Answer<T>>,
  /** Milliseconds until it is asked for again; not at all if not given. */
  everyMs: number | false = false,
): Pages<T> {
  const query = useInfiniteQuery({
    queryKey: key,
    refetchInterval: everyMs,
    queryFn: ({ pageParam }) => page(pageParam === undefined ? {} : { cursor: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ meta }) => meta.next_cursor ?? undefined,
  });
  const { data } = query;
  const rows = useMemo(() => data?.pages.flatMap((one) => one.data) ?? [], [data]);
  return {
    rows,
    total: data?.pages[0]?.meta.total ?? null,
    phase: data ? "ready" : query.error ? "failed" : "loading",
    isEmpty: data !== undefined && rows.length === 0,
    error: query.error,
    retry: () => void (data ? query.fetchNextPage() : query.refetch()),
    more: query.hasNextPage ? () => void query.fetchNextPage() : null,
    isLoadingMore: query.isFetchingNextPage,
  };
}
