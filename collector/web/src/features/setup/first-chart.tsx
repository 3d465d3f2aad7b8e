import { useState } from "react";
import { currentSecond } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { absolute, type Range, resolve } from "../../lib/range";
import type { Device } from "../../lib/types";
import { REACH_CHARTS, reachLatest } from "../device/object-charts";
import { SeriesCharts } from "../device/series-charts";

const LIVE: Range = { from: "now-5m", to: "now" };
const NONE = "No round trip yet. It is drawn from the first answer on.";
const CHARTS = REACH_CHARTS.slice(0, 1);

/** How a device answers, over its first minutes. */
export function FirstChart({ device }: { device: Device }) {
  const [range, set] = useState(LIVE);
  const isLive = range === LIVE;
  const now = useEachSecond(() => currentSecond() + 1) * 1000;
  const span = resolve(range, now);
  return (
    <SeriesCharts device={device} object="" charts={CHARTS} latest={reachLatest(device)} none={NONE} asTable={false}
      range={{
        range, span, isLive, set, shift: () => {}, zoomOut: () => set(LIVE), zoom: (from, to) => set(absolute(from, to)), reset: () => set(LIVE),
      }} />
  );
}
