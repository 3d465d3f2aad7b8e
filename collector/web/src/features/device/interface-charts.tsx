import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { currentSecond, serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { absolute, DEFAULT_RANGE, fromSearch, isLive, type Range, resolve, shift, zoomOut } from "../../lib/range";
import type { Device } from "../../lib/types";
import { useKeys } from "../../lib/use-keys";
import { Button, IconButton } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { ChartCard } from "./chart-card";
import { CHARTS, chartData, withTail } from "./metrics";
import { RangePicker } from "./range-picker";
import { useSeries } from "./use-series";

interface Props {
  device: Device;
  object: string | null;
  title: string;
}

/** A live chart slides by one pixel at a time; its edge is ahead of now, never behind. */
function slideSeconds(spanMs: number): number {
  return Math.max(1, Math.round(spanMs / 1000 / 600));
}

export function InterfaceCharts({ device, object, title }: Props) {
  const search = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const [asTable, setAsTable] = useState(false);
  const [picking, setPicking] = useState(false);
  const range = useMemo(() => fromSearch(search.from, search.to), [search.from, search.to]);
  const setRange = ({ from, to }: Range) => {
    // The router writes digits as numbers, which reads best in the URL.
    const plain = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);
    void navigate({ search: (old) => ({ ...old, from: plain(from), to: plain(to) }) });
  };
  const { set, tail, error, retry, none, isLate } = useSeries(device.id, object, range);
  const still = resolve(range, serverNow());
  const slide = slideSeconds(still ? still.to - still.from : 0);
  const edge = useEachSecond(() => (isLive(range) ? Math.ceil((currentSecond() + 1) / slide) * slide : 0));
  const span = resolve(range, edge ? edge * 1000 : serverNow());
  const gapS = Math.max(3 * device.interval_s, 2 * (set?.step_s ?? 0));
  const base = useMemo(() => (set ? CHARTS.map((spec) => chartData(set, spec)) : null), [set]);
  const charts = useMemo(
    () => base?.map((data, i) => withTail(data, tail, CHARTS[i]?.id ?? "traffic", gapS)) ?? null,
    [base, tail, gapS],
  );
  // The way back to live leads to the live range one came from.
  const [lastLive, setLastLive] = useState(isLive(range) ? range : DEFAULT_RANGE);
  if (isLive(range) && range !== lastLive) setLastLive(range);
  const reset = () => setRange(lastLive);
  useKeys({
    "[": () => span && setRange(shift(span, -1, serverNow())),
    "]": () => span && setRange(shift(span, 1, serverNow())),
    "=": () => setRange(zoomOut(range, serverNow())),
    t: () => setPicking(true),
  });

  return (
    <section aria-label="Charts" className="min-w-0 scroll-mt-3" id="charts">
      <div className="flex flex-wrap items-center gap-1.5 pb-3">
        <h2 className="clip mr-auto min-w-0 font-semibold" data-chart-title>{title}</h2>
        <IconButton label="Earlier ( [ )" onClick={() => span && setRange(shift(span, -1, serverNow()))}>
          <Icon name="back" />
        </IconButton>
        <IconButton label="Later ( ] )" className="rotate-180" disabled={isLive(range)}
          onClick={() => span && setRange(shift(span, 1, serverNow()))}>
          <Icon name="back" />
        </IconButton>
        <Button onClick={() => setRange(zoomOut(range, serverNow()))}>Zoom out</Button>
        {!isLive(range) && <Button onClick={reset}>Back to live</Button>}
        <RangePicker range={range} onChange={setRange} open={picking} onOpenChange={setPicking} />
        <IconButton label="Show as a table" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}
          className="aria-pressed:bg-selected aria-pressed:text-accent" data-as-table>
          <Icon name="table" />
        </IconButton>
      </div>
      {error && <ErrorNote error={error} className="mb-3" onRetry={retry} />}
      {none && (
        <p className="py-6 text-muted">No series yet. They begin with the second poll of this device.</p>
      )}
      <div className="flex flex-col gap-4">
        {span && charts
          ? CHARTS.map((spec, i) => {
              const data = charts[i];
              return data ? (
                <ChartCard key={spec.id} spec={spec} data={data} from={span.from} to={span.to} gapS={gapS} live={isLive(range)}
                  asTable={asTable} isLate={isLate} onReset={reset}
                  onZoom={(from, to) => setRange(absolute(from, to))} />
              ) : null;
            })
          : !none && !error && <div className="h-[560px]" role="status" aria-label="Loading charts" />}
      </div>
    </section>
  );
}
