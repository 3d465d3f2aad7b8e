import { useEffect, useEffectEvent, useRef } from "react";
import uPlot from "uplot";
import { type Theme, useTheme } from "../../lib/theme";
import type { ChartData, ChartSpec } from "./chart-data";
import { columns, HEIGHT, options } from "./chart-options";
import { type Readout, readout } from "./chart-readout";
import { hatched } from "./gaps";
import type { Limit } from "./limits";
import type { Zone } from "../../lib/zone";

interface Props {
  spec: ChartSpec;
  data: ChartData;
  from: number;
  to: number;
  /** Samples further apart than this are not one line. */
  gapS: number;
  zone: Zone;
  /** Low and without axes: so many pixels high. */
  small?: number | null | undefined;
  limits?: readonly Limit[] | undefined;
  range?: readonly [number, number] | null | undefined;
  onZoom: (fromMs: number, toMs: number) => void;
  onReset: () => void;
  /** The pointer is at an instant, in this chart or in one that shares its cursor; null: it left. */
  onCursor: (at: Readout | null) => void;
}

const NO_LIMITS: readonly Limit[] = [];

/** One uPlot canvas. Made once per shape and theme; data and range are set in place. */
export function Chart({ spec, data, from, to, gapS, zone, small = null, limits = NO_LIMITS, range = null, onZoom, onReset, onCursor }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme: Theme = useTheme();
  const banded = data.bands !== null;
  const compared = data.before !== undefined;
  const zoom = useEffectEvent(onZoom);
  const reset = useEffectEvent(onReset);
  const point = useEffectEvent((chart: uPlot | null) => {
    onCursor(chart && readout(chart, { lines: spec.lines.length, banded, compared, gapS, gaps: data.gaps }));
  });
  const fill = useEffectEvent((chart: uPlot) => {
    chart.batch(() => {
      // Scales anew: the value axis must follow a live peak.
      chart.setData(columns(data), true);
      chart.setScale("x", { min: from / 1000, max: to / 1000 });
    });
  });
  const declared = useEffectEvent(() => hatched(data.gaps, from / 1000, to / 1000));
  const made = useEffectEvent((element: HTMLElement) => {
    const call = { onZoom: (a: number, b: number) => zoom(a, b), onReset: () => reset(), onCursor: (chart: uPlot) => point(chart), gaps: () => declared() };
    return new uPlot(options({ spec, banded, compared, small, zone, limits, range }, element.clientWidth, call), [[]], element);
  });
  const shape = JSON.stringify([limits, range]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const chart = made(element);
    plot.current = chart;
    fill(chart);
    const watch = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: chart.height }));
    watch.observe(element);
    // Paper has colours of its own; what was drawn for the screen is drawn for it anew.
    const paper = matchMedia("print");
    const redraw = () => chart.redraw();
    paper.addEventListener("change", redraw);
    return () => {
      paper.removeEventListener("change", redraw);
      watch.disconnect();
      chart.destroy();
      point(null);
      plot.current = null;
    };
    // `made` reads these, and the theme by the drawing functions, when the plot is made.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [spec, banded, compared, small, zone, shape, theme]);

  useEffect(() => {
    if (plot.current) fill(plot.current);
    // `fill` reads these as they are when it runs.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [data, from, to]);

  return <div ref={box} className="w-full overflow-hidden" style={{ height: small ?? HEIGHT }} aria-hidden="true" />;
}
