import type { Device } from "../../lib/types";
import { ErrorNote } from "../../ui/error-note";
import { ChartCard } from "./chart-card";
import type { ChartSpec, Latest } from "./chart-data";
import type { Limit } from "./limits";
import { useChartScope } from "./chart-scope";
import { useCharts } from "./use-charts";

interface Props {
  device: Pick<Device, "id" | "interval_s">;
  /** Empty: the device itself. */
  object: string | null;
  /** The object by its name, for files. */
  of: string;
  charts: readonly ChartSpec[];
  latest: Latest;
  /** What to say while there is no series. */
  none: string;
  all?: boolean;
  limits?: readonly Limit[] | undefined;
}

/** A chart with its caption and the gap below it. */
const CHART_PX = 208;

/** The charts of one object, below each other. */
export function SeriesCharts({ device, object, of, charts, latest, none, all, limits }: Props) {
  const { range } = useChartScope();
  const { drawn, shown, gapS, error, retry, none: isNone, isLate } = useCharts({ device, object, charts, latest, all });
  return (
    <>
      {error && <ErrorNote error={error} className="mb-3" onRetry={retry} />}
      {isNone && <p className="py-6 text-muted">{none}</p>}
      <div className="flex flex-col gap-4">
        {range.span && drawn
          ? drawn.map(({ spec, data }) => <ChartCard key={spec.id} spec={spec} data={data} gapS={gapS} of={of} isLate={isLate} limits={limits} />)
          // Which series there are is not known at first: there will be one.
          : object !== null && !isNone && !error && (
            <div role="status" aria-label="Loading charts" className="rounded-md bg-surface" style={{ height: Math.max(1, shown.length) * CHART_PX }} />
          )}
      </div>
    </>
  );
}
