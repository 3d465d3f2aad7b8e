/** What the collector knows of an agent's losses and sessions. Asked again now and then: no stream tells of it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, take } from "../../lib/api";
import type { AgentCompleteness, AgentLink, AgentRefused, Gap, Ledger } from "../../lib/types";
import { type Pages, ROWS, usePages } from "../../lib/use-pages";

const EVERY_MS = 20_000;

export function useLedger(id: string) {
  return useQuery({
    queryKey: ["agent-ledger", id],
    refetchInterval: EVERY_MS,
    queryFn: async (): Promise<Ledger> => (await take(api.GET("/api/v1/agents/{id}/ledger", { params: { path: { id } } }))).data,
  });
}

/** It is much to read: counted seldom, and sooner only with another gap, or for who was refused. */
const COUNT_EVERY_MS = 300_000;

/** One agent of a tenant is counted at a time: who is refused or waits for long sees nothing of it. */
export function useCompleteness(id: string, gaps: number) {
  return useQuery({
    queryKey: ["agent-completeness", id, gaps],
    retry: false,
    refetchInterval: ({ state }) => (state.data ? COUNT_EVERY_MS : EVERY_MS),
    queryFn: async (): Promise<AgentCompleteness> => (await take(api.GET("/api/v1/agents/{id}/completeness", { params: { path: { id } } }))).data,
  }).data;
}

/** The newest first. Asked again at once when the ledger knows of another one: `count`. */
export function useGaps(id: string, count: number): Pages<Gap> {
  const queries = useQueryClient();
  const known = useRef(count);
  useEffect(() => {
    if (known.current !== count) void queries.invalidateQueries({ queryKey: ["agent-gaps", id] });
    known.current = count;
  }, [queries, id, count]);
  return usePages<Gap>(["agent-gaps", id], (cursor) => take(api.GET("/api/v1/agents/{id}/gaps", {
    params: { path: { id }, query: { limit: ROWS, order: "desc", ...cursor } },
  })), EVERY_MS);
}

/** The newest first. */
export function useLinks(id: string): Pages<AgentLink> {
  return usePages<AgentLink>(["agent-links", id], (cursor) => take(api.GET("/api/v1/agents/{id}/links", {
    params: { path: { id }, query: { limit: ROWS, ...cursor } },
  })), EVERY_MS);
}

/** Each row brings how its batch began: few are read at a time. */
const REFUSED_ROWS = 20;

/** The newest first. Asked again only when there is another one: `lastAt`. */
export function useRefused(id: string, lastAt: string | null): Pages<AgentRefused> {
  return usePages<AgentRefused>(["agent-refused", id, lastAt], (cursor) => take(api.GET("/api/v1/agents/{id}/refused", {
    params: { path: { id }, query: { limit: REFUSED_ROWS, ...cursor } },
  })));
}
