import { lazy, Suspense, useState } from "react";
import { useInterface } from "../../lib/live-app";
import type { Device, DeviceObject } from "../../lib/types";
import { ChartsHead } from "./charts-head";
import { CHARTS } from "./metrics";
import { LOAD, LOAD_CHARTS, OBJECT_CHARTS, objectLatest, portLatest, REACH_CHARTS, reachLatest } from "./object-charts";
import { SeriesCharts } from "./series-charts";
import { useChartRange } from "./use-chart-range";

const Timeline = lazy(() => import("../timeline/timeline").then((m) => ({ default: m.Timeline })));

/** What was chosen on the left: its charts stand above those of how the device answers. */
export type Chosen =
  | { kind: "port"; object: string | null; title: string }
  | { kind: "object"; id: string; object: DeviceObject | undefined; title: string }
  | { kind: "nothing" };

const NO_SERIES = "No series yet. They begin with the second poll of this device.";
const NO_ANSWER = "No round trip yet. It is drawn from the first answer on, to an echo request or over SNMP.";

export function DeviceCharts({ device, chosen }: { device: Device; chosen: Chosen }) {
  const [asTable, setAsTable] = useState(false);
  const range = useChartRange();
  const shared = { device, range, asTable };
  const port = useInterface(device.id, chosen.kind === "port" ? (chosen.object ?? "") : "");
  const isLoad = chosen.kind === "object" && chosen.id === LOAD;
  return (
    <section aria-label="Charts" className="min-w-0 scroll-mt-3" id="charts">
      <ChartsHead title={chosen.kind === "nothing" ? "How it answers" : chosen.title} range={range} asTable={asTable} onTable={setAsTable} />
      {chosen.kind === "port" && (
        <SeriesCharts key="port" {...shared} object={chosen.object} charts={CHARTS} latest={portLatest(port)} none={NO_SERIES} all />
      )}
      {chosen.kind === "object" && (
        <SeriesCharts key="object" {...shared} object={isLoad ? "" : chosen.id} charts={isLoad ? LOAD_CHARTS : OBJECT_CHARTS}
          latest={objectLatest(chosen.object)} none={NO_SERIES} />
      )}
      <div id="reach-charts" className={`scroll-mt-3 ${chosen.kind === "nothing" ? "" : "mt-4 border-t border-line pt-4"}`}>
        <SeriesCharts {...shared} object="" charts={REACH_CHARTS} latest={reachLatest(device)} none={NO_ANSWER} />
      </div>
      <Suspense><Timeline device={device.id} range={range.range} span={range.span} asTable={asTable} /></Suspense>
    </section>
  );
}
