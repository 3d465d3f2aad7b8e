/** One alert with why it fired: by REST, and live in what the list tells of it. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, isNotHere, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { live, useAlert } from "../../lib/live-app";
import type { Alert, AlertDetail } from "../../lib/types";
import { useKeptError } from "../../lib/use-kept-error";
import { lookAgain } from "./unheard";

/** Where the list holds the alert, its row learns what is newer here, and keeps what the stream told meanwhile. */
async function load(id: string): Promise<AlertDetail> {
  const ask = async () => (await take(api.GET("/api/v1/alerts/{id}", { params: { path: { id } } }))).data;
  if (!live.alerts.get(id)) return ask();
  let detail: AlertDetail | undefined;
  await live.alerts.fetch(id, async () => {
    detail = await ask();
    // A row is what the list tells: the stream keeps no more of it up to date.
    const { evidence: _, history: __, ...row } = detail;
    return row;
  });
  if (!detail) throw new Error("the alert was loaded and is not there");
  return detail;
}

function alertQuery(id: string) {
  return queryOptions({ queryKey: ["alert", id], queryFn: () => load(id) });
}

/** Who was told of it. */
export function deliveriesQuery(alert: Alert) {
  const { id } = alert;
  return queryOptions({
    queryKey: ["alert", id, "deliveries"],
    queryFn: async () => (await take(api.GET("/api/v1/alerts/{id}/deliveries", { params: { path: { id } } }))).data,
    refetchInterval: ({ state: { data } }) => lookAgain(alert, data, serverNow()),
  });
}

/** What says that there is more to tell than was told. */
function turnOf({ phase, ack, silenced_until: until, last_at: last, value, state }: Alert): string {
  return [phase, ack?.at, until, last, value, state?.state, state?.cause].join("\n");
}

export function useAlertDetail(id: string) {
  const queries = useQueryClient();
  const query = useQuery(alertQuery(id));
  const row = useAlert(id);
  useEffect(() => live.ensureAlerts(), []);
  useEffect(() => live.onResync(() => void queries.invalidateQueries({ queryKey: ["alert", id] })), [queries, id]);
  // The stream is ahead of what was told: readings and history come by REST.
  const turn = row ? turnOf(row) : null;
  const told = query.data ? turnOf(query.data) : null;
  useEffect(() => {
    if (turn !== null && told !== null && turn !== told) void queries.invalidateQueries({ queryKey: ["alert", id] });
  }, [queries, id, turn, told]);
  const error = useKeptError(query.error, query.data !== undefined);
  const alert: AlertDetail | undefined = query.data && { ...query.data, ...row };
  return {
    alert,
    isMissing: isNotHere(query.error),
    error,
    retry: () => void query.refetch(),
  };
}
