import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { useKeptError } from "../../lib/use-kept-error";
import { isLive, type Range, resolve } from "../../lib/range";
import type { MetricInfo, SeriesSet } from "../../lib/types";
import { type ChartSpec, type Latest, metricsFor, type TailPoint } from "./chart-data";
import { type Compare, spanBefore } from "./compare";
import { useReload } from "./use-reload";
import { useTail } from "./use-tail";

/** Points asked for; about two pixels each on a wide chart. */
const POINTS = 600;
/** What no live row tells of is looked at again this often. */
const LOOK_MS = 30_000;
/** What was does not change, but a live range slides on into what was not asked for yet. */
const BEFORE_SHARE = 0.4;
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
  compare: Compare | null;
  /** What is known by now of the same, from each of its sources. */
  latest: Latest;
  /** Fewer for small charts. */
  points?: number | undefined;
  /** Not yet in sight. */
  isOff?: boolean | undefined;
}

async function ask(device: string, object: string, metrics: readonly string[], { from, to }: { from: number; to: number }, points: number, signal: AbortSignal) {
  const query = { metric: metrics.join(","), object, from: new Date(from).toISOString(), to: new Date(to).toISOString(), points };
  return (await take(api.GET("/api/v1/devices/{id}/series", { params: { path: { id: device }, query }, signal }))).data;
}

/** The series of one object over the range, and what came since. */
export function useSeries({ device, object, charts, range, compare, latest, points = POINTS, isOff = false }: Wanted) {
  const infos = useMetrics(device);
  const metrics = useMemo(
    () => (object === null ? [] : metricsFor(infos.data ?? [], object, charts)),
    [infos.data, object, charts],
  );
  const enabled = !isOff && object !== null && metrics.length > 0;
  const isFed = charts.some(({ id }) => latest.some((point) => point?.charts[id] !== undefined));
  const series = useQuery({
    queryKey: ["series", device, object, range.from, range.to, metrics, points],
    enabled,
    staleTime: isLive(range) ? 0 : Number.POSITIVE_INFINITY,
    refetchInterval: isLive(range) && !isFed ? LOOK_MS : false,
    // Another range of the same object: what is known of it stands until the answer is here.
    placeholderData: (before: SeriesSet | undefined, query) => (isSame(query?.queryKey, device, object) ? before : undefined),
    queryFn: ({ signal }): Promise<SeriesSet> => {
      const span = resolve(range, serverNow());
      if (!span || object === null) throw new Error("The time range is not valid.");
      return ask(device, object, metrics, span, points, signal);
    },
  });
  const length = resolve(range, serverNow());
  const before = useQuery({
    queryKey: ["series-before", device, object, range.from, range.to, metrics, points, compare],
    enabled: enabled && compare !== null,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: isLive(range) && length ? BEFORE_SHARE * (length.to - length.from) : false,
    queryFn: ({ signal }): Promise<SeriesSet> => {
      const span = resolve(range, serverNow());
      if (!span || object === null || !compare) throw new Error("The time range is not valid.");
      return ask(device, object, metrics, spanBefore(span, compare, range), points, signal);
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
  const failure = infos.error ?? series.error ?? before.error;
  return {
    set: series.data ?? null,
    before: compare ? (before.data ?? null) : null,
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
