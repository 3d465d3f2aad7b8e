/** What happened to a device within a range. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { isLive, type Range, resolve, type Span } from "../../lib/range";
import { ASKED_METRICS, explained, isUnexplained } from "./causes";
import type { Item } from "./kinds";
import { inside } from "./layout";

/** A live range is looked at again; what happened within the last moments may come late. */
const LOOK_MS = 30_000;
/** The server gives no more at once: of more, the newest. */
export const MOST = 500;
/** Points of the series that explain, and how many changes they are for. */
const POINTS = 2000;
const EXPLAINED = 20;
/** Before the first of them and after the last. */
const ROOM_POLLS = 6;

const NOTHING = { items: [], late_known: true };

export interface Happened {
  /** The newest first, of the range alone. */
  items: readonly Item[];
  isKnown: boolean;
  /** There was more than the server gives. */
  isMore: boolean;
  isLateKnown: boolean;
  error: Error | null;
  retry: () => void;
}

function bounds(range: Range) {
  const span = resolve(range, serverNow());
  return span && { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
}

export function useTimeline({ id, interval_s: interval }: { id: string; interval_s: number }, range: Range, span: Span | null): Happened {
  const { data, error, refetch } = useQuery({
    queryKey: ["timeline", id, range.from, range.to],
    placeholderData: keepPreviousData,
    refetchInterval: isLive(range) ? LOOK_MS : false,
    queryFn: async () => {
      const query = bounds(range);
      if (!query) return NOTHING;
      return (await take(api.GET("/api/v1/devices/{id}/timeline", { params: { path: { id }, query: { ...query, limit: MOST } } }))).data;
    },
  });
  useEffect(() => live.onResync(() => void refetch()), [refetch]);
  // Asked for only where a state wants a reason, and again with the next one: of the last few, so that the points stand close.
  const asking = (data?.items ?? []).filter(isUnexplained).slice(0, EXPLAINED);
  const [newest, oldest] = [asking[0]?.at, asking.at(-1)?.at];
  const { data: reasons } = useQuery({
    queryKey: ["timeline-causes", id, newest, oldest],
    enabled: newest !== undefined && oldest !== undefined,
    queryFn: async () => {
      const room = ROOM_POLLS * interval * 1000;
      const moved = (at: string | undefined, by: number) => new Date(Date.parse(at ?? "") + by).toISOString();
      const query = { from: moved(oldest, -room), to: moved(newest, room), metric: ASKED_METRICS.join(","), object: "", points: POINTS };
      return (await take(api.GET("/api/v1/devices/{id}/series", { params: { path: { id }, query } }))).data;
    },
  });
  // One by one: a live range slides each second, and what happened in it stays.
  const told = useMemo(() => explained(data?.items ?? [], reasons, interval), [data, reasons, interval]);
  const key = span ? inside(told, span).length : 0;
  const first = told[0]?.at;
  // oxlint-disable-next-line react/exhaustive-deps -- the number inside stands for the span
  const items = useMemo(() => (span ? inside(told, span) : []), [told, key, first]);
  return {
    items, isKnown: data !== undefined, isMore: (data?.items.length ?? 0) >= MOST, isLateKnown: data?.late_known !== false, error,
    retry: () => void refetch(),
  };
}
