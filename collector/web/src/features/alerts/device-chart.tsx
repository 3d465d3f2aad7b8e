import { useMemo, useState } from "react";
import { serverNow } from "../../lib/clock";
import type { AlertDetail } from "../../lib/types";
import { pointAt } from "../charts/chart-options";
import { type ChartScope, ChartScopeContext } from "../charts/chart-scope";
import type { Compare } from "../charts/compare";
import { RangeBar } from "../charts/range-bar";
import { SeriesCharts } from "../charts/series-charts";
import { useRange } from "../charts/use-range";
import { useWhy } from "../charts/use-why";
import { reachLatest } from "../device/latest";
import { useDetail } from "../device/use-detail";
import { Timeline } from "../timeline/timeline";
import { useTimeline } from "../timeline/use-timeline";
import { type AlertCharts, alertRange } from "./alert-charts";
import { part } from "./part";

const NO_SERIES = "No series is kept of this time.";

/** The charts of the device around the alert, as on the device's page: with its limit, and what happened marked. */
export function DeviceChart({ alert, charts: { object, charts, limits }, deviceId }: { alert: AlertDetail; charts: AlertCharts; deviceId: string }) {
  const { row, detail } = useDetail(deviceId);
  const [home] = useState(() => alertRange(alert, serverNow()));
  const [kept, setKept] = useState(home);
  const [zone, setZone] = useState<"local" | "utc">("local");
  const [compare, setCompare] = useState<Compare | null>(null);
  const [asTable, setAsTable] = useState(false);
  const range = useRange({ range: kept, zone, compare, set: setKept, setZone, setCompare }, home);
  const device = row ?? detail;
  const happened = useTimeline({ id: deviceId, interval_s: device?.interval_s ?? 60 }, kept, range.span);
  const { items } = happened;
  const name = device?.name ?? "";
  const why = useWhy(device, zone);
  const scope = useMemo((): ChartScope => ({ range, asTable, events: items, device: deviceId, name, why }), [range, asTable, items, deviceId, name, why]);
  const latest = useMemo(() => (device && object === "" ? reachLatest(device) : []), [device, object]);
  if (!device) return null;
  return (
    <ChartScopeContext value={scope}>
      <div className="flex flex-col gap-2 pt-2" data-alert-charts={charts.length}>
        <RangeBar range={range} asTable={asTable} onTable={setAsTable} />
        <SeriesCharts device={device} object={object} of={object && part(alert)} charts={charts} latest={latest} none={NO_SERIES} limits={limits} />
        <Timeline device={deviceId} span={range.span} happened={happened} asTable={asTable} onPoint={pointAt} />
      </div>
    </ChartScopeContext>
  );
}
