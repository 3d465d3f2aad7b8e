import { useEffect, useEffectEvent, useRef } from "react";
import uPlot from "uplot";
import { clockTime, dayMonth, reading } from "../../lib/format";
import { type Theme, token, useTheme } from "../../lib/theme";
import { type Readout, readout } from "./chart-readout";
import type { ChartData, ChartSpec } from "./metrics";

const HEIGHT = 168;
/** A drag shorter than this is a click. */
const MIN_DRAG_PX = 6;

interface Props {
  spec: ChartSpec;
  data: ChartData;
  from: number;
  to: number;
  /** Samples further apart than this are not one line. */
  gapS: number;
  onZoom: (fromMs: number, toMs: number) => void;
  onReset: () => void;
  /** The pointer is at an instant, in this chart or in one that shares its cursor; null: it left. */
  onCursor: (at: Readout | null) => void;
}

type Calls = Pick<Props, "onZoom" | "onReset"> & { onCursor: (plot: uPlot) => void };

function columns({ times, values, bands }: ChartData): uPlot.AlignedData {
  const extra = bands ? bands.flatMap(({ min, max }) => [max, min]) : [];
  return [times, ...values, ...extra];
}

function options(
  spec: ChartSpec, banded: boolean, width: number, call: Calls,
): uPlot.Options {
  const lines: uPlot.Series[] = spec.lines.map((line) => ({
    label: line.label,
    stroke: () => token(line.colour),
    width: 1.5,
    ...(line.dash ? { dash: [...line.dash] } : {}),
    ...(spec.filled && !banded ? { fill: () => token(`${line.colour}-soft`) } : {}),
    spanGaps: false,
    points: { show: lonely, size: 4 },
  }));
  const edges: uPlot.Series[] = banded
    ? spec.lines.flatMap(() => [{ stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } }])
    : [];
  const bands: uPlot.Band[] = banded
    ? spec.lines.map((line, i) => {
        const max = 1 + spec.lines.length + 2 * i;
        return { series: [max, max + 1], fill: () => token(`${line.colour}-soft`) };
      })
    : [];
  const axis = { stroke: () => token("faint"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    // Room on the right for half a label of the time axis.
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: "device" },
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG_PX },
      points: { size: 6 },
      bind: {
        dblclick: () => () => {
          call.onReset();
          return null;
        },
      },
    },
    scales: { x: { time: true }, y: { range: (_, min, max) => [Math.min(0, min), spec.max ?? nice(Math.max(0, min, max))] } },
    series: [{}, ...lines, ...edges],
    bands,
    axes: [
      {
        ...axis,
        grid: { stroke: () => token("chart-grid"), width: 1 },
        size: 26,
        space: 76,
        values: (_, ticks) => ticks.map((tick, i) => tickLabel(tick, ticks[i - 1] ?? null, ticks)),
      },
      {
        ...axis,
        grid: { stroke: () => token("chart-grid"), width: 1 },
        size: 68,
        space: 32,
        values: (_, ticks) => ticks.map((tick) => reading(tick, spec.unit)),
      },
    ],
    hooks: {
      setCursor: [call.onCursor],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < MIN_DRAG_PX) return;
          const from = plot.posToVal(left, "x") * 1000;
          const to = plot.posToVal(left + wide, "x") * 1000;
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          call.onZoom(from, to);
        },
      ],
    },
  };
}

/** Points only where a line would hardly show: the first samples of a new device. */
function lonely(plot: uPlot, series: number): boolean {
  const data = plot.data[series];
  let known = 0;
  for (const value of data ?? []) {
    if (value !== null && value !== undefined) known += 1;
    if (known > 2) return false;
  }
  return known > 0;
}

/** The time of a tick; the day where a new one begins or the ticks are days apart. */
function tickLabel(tick: number, before: number | null, ticks: readonly number[]): string {
  const step = ticks.length > 1 ? (ticks[1] ?? 0) - (ticks[0] ?? 0) : 0;
  const day = dayMonth(tick * 1000);
  const newDay = before !== null && dayMonth(before * 1000) !== day;
  return step >= 86_400 || newDay ? day : clockTime(tick * 1000, step < 60);
}

function nice(max: number): number {
  return max > 0 ? max * 1.08 : 1;
}

/** One uPlot canvas. Made once per shape and theme; data and range are set in place. */
export function Chart({ spec, data, from, to, gapS, onZoom, onReset, onCursor }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme: Theme = useTheme();
  const banded = data.bands !== null;
  const zoom = useEffectEvent(onZoom);
  const reset = useEffectEvent(onReset);
  const point = useEffectEvent((chart: uPlot | null) => {
    onCursor(chart && readout(chart, spec.lines.length, banded, gapS));
  });
  const fill = useEffectEvent((chart: uPlot) => {
    chart.batch(() => {
      // Scales anew: the value axis must follow a live peak.
      chart.setData(columns(data), true);
      chart.setScale("x", { min: from / 1000, max: to / 1000 });
    });
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const call = {
      onZoom: (a: number, b: number) => zoom(a, b),
      onReset: () => reset(),
      onCursor: (chart: uPlot) => point(chart),
    };
    const made = new uPlot(options(spec, banded, element.clientWidth, call), [[]], element);
    plot.current = made;
    fill(made);
    const watch = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      point(null);
      plot.current = null;
    };
    // The theme is read by the drawing functions when the plot is made.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [spec, banded, theme]);

  useEffect(() => {
    if (plot.current) fill(plot.current);
    // `fill` reads these as they are when it runs.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [data, from, to]);

  return <div ref={box} className="w-full overflow-hidden" style={{ height: HEIGHT }} aria-hidden="true" />;
}
