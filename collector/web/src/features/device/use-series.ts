import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { live, useRow } from "../../lib/live-app";
import { useKeptError } from "../../lib/use-kept-error";
import { isLive, type Range, resolve } from "../../lib/range";
import type { Interface, SeriesSet } from "../../lib/types";
import { metricsFor, type TailPoint } from "./metrics";
import { useReload } from "./use-reload";

/** Points asked for; about two pixels each on a wide chart. */
const POINTS = 600;
/** Tail points kept before the series is loaded anew. */
const MAX_TAIL = 1500;

function useMetrics(device: string) {
  return useQuery({
    queryKey: ["metrics", device],
    queryFn: async () => {
      const params = { path: { id: device } };
      return (await take(api.GET("/api/v1/devices/{id}/metrics", { params }))).data;
    },
  });
}

/** The series of one interface over the range, and what came by stream since. */
export function useSeries(device: string, object: string | null, range: Range) {
  const infos = useMetrics(device);
  const metrics = useMemo(
    () => (object ? metricsFor(infos.data ?? [], object) : []),
    [infos.data, object],
  );
  const enabled = object !== null && metrics.length > 0;
  const series = useQuery({
    queryKey: ["series", device, object, range.from, range.to, metrics],
    enabled,
    staleTime: isLive(range) ? 0 : Number.POSITIVE_INFINITY,
    // Another range of the same interface: what is known of it stands until the answer is here.
    placeholderData: (before: SeriesSet | undefined, query) => (isSame(query?.queryKey, device, object) ? before : undefined),
    queryFn: async ({ signal }): Promise<SeriesSet> => {
      const span = resolve(range, serverNow());
      if (!span || !object) throw new Error("The time range is not valid.");
      const query = {
        metric: metrics.join(","),
        object,
        from: new Date(span.from).toISOString(),
        to: new Date(span.to).toISOString(),
        points: POINTS,
      };
      const params = { path: { id: device }, query };
      return (await take(api.GET("/api/v1/devices/{id}/series", { params, signal }))).data;
    },
  });
  const { refetch: refetchMetrics } = infos;
  const { refetch } = series;
  // A device just added has no series until its first poll: look again when rates arrive.
  const port = useRow(live.interfaces(device), object ?? "");
  const waiting = object !== null && infos.isSuccess && metrics.length === 0;
  const arrived = port?.updated_at ?? null;
  useEffect(() => {
    if (waiting && arrived) void refetchMetrics();
  }, [waiting, arrived, refetchMetrics]);

  const tail = useTail(port, `${device} ${object} ${series.dataUpdatedAt}`);
  const reload = useCallback(() => {
    if (enabled) void refetch();
  }, [enabled, refetch]);
  useReload(device, tail, series.data?.step_s ?? 0, reload);
  useEffect(() => {
    if (tail.length > MAX_TAIL) reload();
  }, [tail.length, reload]);
  const failure = infos.error ?? series.error;
  return {
    set: series.data ?? null,
    tail: isLive(range) ? tail : NO_TAIL,
    error: useKeptError(failure, series.data !== undefined && !failure),
    retry: () => void (infos.error ? refetchMetrics() : refetch()),
    none: waiting,
    /** The set is of the range before: nothing can be said of this one yet. */
    isLate: series.isPlaceholderData,
    metrics,
  };
}

function isSame(key: readonly unknown[] | undefined, device: string, object: string | null): boolean {
  return key?.[1] === device && key[2] === object;
}

const NO_TAIL: readonly TailPoint[] = [];

function tailPoint(port: Interface, t: number): TailPoint {
  return {
    t,
    traffic: [port.in_bps, port.out_bps],
    packets: [port.in_pps, port.out_pps],
    errors: [
      port.in_errors_ps, port.out_errors_ps, port.in_discards_ps, port.out_discards_ps,
    ],
  };
}

/** Collects one point per update of the row; starts anew with `key`. */
function useTail(port: Interface | undefined, key: string): readonly TailPoint[] {
  const [tail, setTail] = useState<{ key: string; points: readonly TailPoint[] }>({ key, points: [] });
  const points = tail.key === key ? tail.points : NO_TAIL;
  const at = port?.updated_at ? Date.parse(port.updated_at) / 1000 : null;
  if (port && at !== null && at > (points.at(-1)?.t ?? 0)) {
    // Derived from the row while rendering: no effect, no second paint.
    setTail({ key, points: [...points, tailPoint(port, at)] });
  }
  return points;
}
