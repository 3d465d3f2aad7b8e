/** One alert with why it fired: by REST, and live in what the list tells of it. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { ApiError, api, take } from "../../lib/api";
import { live, useAlert } from "../../lib/live-app";
import type { AlertDetail } from "../../lib/types";
import { useKeptError } from "../../lib/use-kept-error";

function alertQuery(id: string) {
  return queryOptions({
    queryKey: ["alert", id],
    queryFn: async () => (await take(api.GET("/api/v1/alerts/{id}", { params: { path: { id } } }))).data,
  });
}

/** Who was told of it. */
export function deliveriesQuery(id: string) {
  return queryOptions({
    queryKey: ["alert", id, "deliveries"],
    queryFn: async () => (await take(api.GET("/api/v1/alerts/{id}/deliveries", { params: { path: { id } } }))).data,
  });
}

export function useAlertDetail(id: string) {
  const queries = useQueryClient();
  const query = useQuery(alertQuery(id));
  const row = useAlert(id);
  useEffect(() => live.ensureAlerts(), []);
  useEffect(() => live.onResync(() => void queries.invalidateQueries({ queryKey: ["alert", id] })), [queries, id]);
  // The stream says that there is more to tell; readings and history come by REST.
  const turn = row ? [row.phase, row.ack?.at, row.silenced_until, row.last_at, row.value].join("\n") : null;
  const known = useRef(turn);
  useEffect(() => {
    if (known.current !== null && turn !== null && known.current !== turn) {
      void queries.invalidateQueries({ queryKey: ["alert", id] });
    }
    known.current = turn ?? known.current;
  }, [queries, id, turn]);
  const error = useKeptError(query.error, query.data !== undefined);
  const alert: AlertDetail | undefined = query.data && { ...query.data, ...row };
  return {
    alert,
    isMissing: query.error instanceof ApiError && query.error.status === 404,
    error,
    retry: () => void query.refetch(),
  };
}
