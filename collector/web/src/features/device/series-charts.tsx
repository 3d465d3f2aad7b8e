import { useMemo } from "react";
import type { Device } from "../../lib/types";
import { ErrorNote } from "../../ui/error-note";
import { ChartCard } from "./chart-card";
import { chartData, type ChartSpec, withTail } from "./metrics";
import type { Latest } from "./object-charts";
import type { ChartRange } from "./use-chart-range";
import { useSeries } from "./use-series";

interface Props {
  device: Device;
  /** Empty: the device itself. */
  object: string | null;
  charts: readonly ChartSpec[];
  latest: Latest;
  range: ChartRange;
  asTable: boolean;
  /** What to say while there is no series. */
  none: string;
  /** Also charts of which there is no series; else they are left out. */
  all?: boolean;
}

/** The charts of one object. */
export function SeriesCharts({ device, object, charts, latest, range, asTable, none, all = false }: Props) {
  const { set, tail, error, retry, none: isNone, isLate, metrics } = useSeries({
    device: device.id, object, charts, range: range.range, latest,
  });
  const gapS = Math.max(3 * device.interval_s, 2 * (set?.step_s ?? 0));
  const shown = useMemo(
    () => (all ? charts : charts.filter(({ lines }) => lines.some(({ match }) => metrics.some((name) => match.test(name))))),
    [all, charts, metrics],
  );
  const base = useMemo(() => (set ? shown.map((spec) => chartData(set, spec)) : null), [set, shown]);
  const data = useMemo(
    () => base?.map((one, i) => (shown[i] ? withTail(one, tail, shown[i], gapS) : one)) ?? null,
    [base, shown, tail, gapS],
  );
  const { span } = range;
  return (
    <>
      {error && <ErrorNote error={error} className="mb-3" onRetry={retry} />}
      {isNone && <p className="py-6 text-muted">{none}</p>}
      <div className="flex flex-col gap-4">
        {span && data
          ? shown.map((spec, i) => {
              const one = data[i];
              return one ? (
                <ChartCard key={spec.id} spec={spec} data={one} from={span.from} to={span.to} gapS={gapS} live={range.isLive}
                  asTable={asTable} isLate={isLate} onReset={range.reset} onZoom={range.zoom} />
              ) : null;
            })
          : object !== null && !isNone && !error && (
            <div role="status" aria-label="Loading charts" style={{ height: shown.length * CHART_PX }} />
          )}
      </div>
    </>
  );
}

/** A chart with its caption and the gap below it. */
const CHART_PX = 208;
