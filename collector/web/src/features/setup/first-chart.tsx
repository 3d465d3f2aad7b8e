import { useMemo, useState } from "react";
import type { Range } from "../../lib/range";
import type { Device } from "../../lib/types";
import { ChartScopeContext } from "../charts/chart-scope";
import { SeriesCharts } from "../charts/series-charts";
import { ECHO_CHARTS } from "../charts/specs";
import { useRange } from "../charts/use-range";
import { reachLatest } from "../device/latest";

const LIVE: Range = { from: "now-5m", to: "now" };
const NONE = "No round trip yet. It is drawn from the first answer on.";
const CHARTS = ECHO_CHARTS.slice(0, 1);
const still = () => {};

/** How a device answers, over its first minutes. */
export function FirstChart({ device }: { device: Device }) {
  const [kept, set] = useState(LIVE);
  const range = useRange({ range: kept, zone: "local", compare: null, set, setZone: still, setCompare: still }, LIVE);
  const latest = useMemo(() => reachLatest(device), [device]);
  const scope = { range, asTable: false, events: [], device: device.id, name: device.name };
  return (
    <ChartScopeContext value={scope}>
      <SeriesCharts device={device} object="" of="" charts={CHARTS} latest={latest} none={NONE} />
    </ChartScopeContext>
  );
}
