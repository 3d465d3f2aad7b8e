import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { useKeptError } from "../../lib/use-kept-error";
import { isLive, type Range, resolve } from "../../lib/range";
import type { MetricInfo, SeriesSet } from "../../lib/types";
import { type ChartSpec, metricsFor, type TailPoint } from "./metrics";
import type { Latest } from "./object-charts";
import { useReload } from "./use-reload";

/** Points asked for; about two pixels each on a wide chart. */
const POINTS = 600;
/** Tail points kept before the series is loaded anew. */
const MAX_TAIL = 1500;

export function useMetrics(device: string) {
  return useQuery({
    queryKey: ["metrics", device],
    queryFn: async () => {
      const params = { path: { id: device } };
      return (await take(api.GET("/api/v1/devices/{id}/metrics", { params }))).data;
    },
  });
}

interface Wanted {
  device: string;
  /** Empty: what is of the device itself. */
  object: string | null;
  charts: readonly ChartSpec[];
  range: Range;
  /** What is known by now of the same, from each of its sources. */
  latest: Latest;
}

/** The series of one object over the range, and what came since. */
export function useSeries({ device, object, charts, range, latest }: Wanted) {
  const infos = useMetrics(device);
  const metrics = useMemo(
    () => (object === null ? [] : metricsFor(infos.data ?? [], object, charts)),
    [infos.data, object, charts],
  );
  const enabled = object !== null && metrics.length > 0;
  const series = useQuery({
    queryKey: ["series", device, object, range.from, range.to, metrics],
    enabled,
    staleTime: isLive(range) ? 0 : Number.POSITIVE_INFINITY,
    // Another range of the same object: what is known of it stands until the answer is here.
    placeholderData: (before: SeriesSet | undefined, query) => (isSame(query?.queryKey, device, object) ? before : undefined),
    queryFn: async ({ signal }): Promise<SeriesSet> => {
      const span = resolve(range, serverNow());
      if (!span || object === null) throw new Error("The time range is not valid.");
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
  // A device just added has no series until its first poll: look again when values arrive.
  const waiting = object !== null && infos.isSuccess && metrics.length === 0;
  const arrived = latest.reduce((newest, point) => Math.max(newest, point?.t ?? 0), 0);
  const isNew = infos.isSuccess && (waiting || tellsMore(latest, charts, infos.data, object));
  useEffect(() => {
    if (isNew && arrived > 0) void refetchMetrics();
  }, [isNew, arrived, refetchMetrics]);

  const tail = useTail(latest, `${device} ${object} ${series.dataUpdatedAt}`);
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

/** A line has a value and no series: it was not there when the series were listed. */
function tellsMore(latest: Latest, charts: readonly ChartSpec[], infos: readonly MetricInfo[], object: string | null): boolean {
  const known = infos.filter((info) => info.object === object);
  return charts.some(({ id, lines }) =>
    lines.some((line, i) => {
      const isTold = latest.some((point) => typeof point?.charts[id]?.[i] === "number");
      return isTold && !known.some(({ metric }) => line.match.test(metric));
    }));
}

const NO_TAIL: readonly TailPoint[] = [];

interface Tail {
  key: string;
  points: readonly TailPoint[];
  /** Time of the newest point of each source. */
  seen: readonly number[];
}

/** Collects one point per update of each source; starts anew with `key`. */
function useTail(latest: Latest, key: string): readonly TailPoint[] {
  const [kept, setKept] = useState<Tail>({ key, points: NO_TAIL, seen: [] });
  const tail = kept.key === key ? kept : { key, points: NO_TAIL, seen: [] };
  const fresh = latest.filter((point, i) => point !== null && point.t > (tail.seen[i] ?? 0)) as TailPoint[];
  if (fresh.length > 0) {
    // Derived from the row while rendering: no effect, no second paint.
    const points = [...tail.points, ...fresh].toSorted((a, b) => a.t - b.t);
    setKept({ key, points, seen: latest.map((point, i) => Math.max(point?.t ?? 0, tail.seen[i] ?? 0)) });
  }
  return tail.points;
}
