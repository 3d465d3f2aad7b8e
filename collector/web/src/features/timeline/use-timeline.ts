/** What happened to a device within the range of its charts. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { isLive, type Range, resolve } from "../../lib/range";

/** A live range is looked at again; what happened within the last moments may come late. */
const LOOK_MS = 30_000;
/** The server gives no more at once: of more, the newest. */
export const MOST = 500;

const NOTHING = { items: [], late_known: true };

export function useTimeline(device: string, range: Range) {
  const query = useQuery({
    queryKey: ["timeline", device, range.from, range.to],
    placeholderData: keepPreviousData,
    refetchInterval: isLive(range) ? LOOK_MS : false,
    queryFn: async () => {
      const span = resolve(range, serverNow());
      if (!span) return NOTHING;
      const [from, to] = [new Date(span.from).toISOString(), new Date(span.to).toISOString()];
      return (await take(api.GET("/api/v1/devices/{id}/timeline", { params: { path: { id: device }, query: { from, to, limit: MOST } } }))).data;
    },
  });
  const { refetch } = query;
  useEffect(() => live.onResync(() => void refetch()), [refetch]);
  return query;
}
