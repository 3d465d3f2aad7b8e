/** The charts of one object with their data: what was stored, what came live, and what was before. */
import { useMemo } from "react";
import type { Device } from "../../lib/types";
import { type ChartData, chartData, type ChartSpec, type Latest, withTail } from "./chart-data";
import { useChartScope } from "./chart-scope";
import { SHIFT_S, withBefore } from "./compare";
import { useSeries } from "./use-series";

interface Wanted {
  device: Pick<Device, "id" | "interval_s">;
  /** Empty: the device itself; null: none yet. */
  object: string | null;
  charts: readonly ChartSpec[];
  latest: Latest;
  /** Also charts of which there is no series; else they are left out. */
  all?: boolean | undefined;
  points?: number | undefined;
  isOff?: boolean | undefined;
}

export interface Drawn {
  spec: ChartSpec;
  data: ChartData;
}

export function useCharts({ device, object, charts, latest, all = false, points, isOff }: Wanted) {
  const { range } = useChartScope();
  const { compare } = range;
  const { set, before, tail, error, retry, none, isLate, metrics } = useSeries({
    device: device.id, object, charts, range: range.range, compare, latest, points, isOff,
  });
  const gapS = Math.max(3 * device.interval_s, 2 * (set?.step_s ?? 0));
  const shown = useMemo(
    () => (all ? charts : charts.filter(({ lines }) => lines.some(({ match }) => metrics.some((name) => match.test(name))))),
    [all, charts, metrics],
  );
  const drawn = useMemo((): Drawn[] | null => {
    if (!set) return null;
    return shown.map((spec) => {
      const data = withTail(chartData(set, spec), tail, spec, gapS);
      return { spec, data: before && compare ? withBefore(data, chartData(before, spec), SHIFT_S[compare]) : data };
    });
  }, [set, before, compare, shown, tail, gapS]);
  return { drawn, shown, gapS, error, retry, none, isLate };
}
