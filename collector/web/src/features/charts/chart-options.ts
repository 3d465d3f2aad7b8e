/** How a chart is drawn: its lines, bands, axes, limits and what it tells of the pointer. */
import uPlot from "uplot";
import { token } from "../../lib/theme";
import { wordsIn, type Zone } from "../../lib/zone";
import { type ChartData, type ChartSpec, isCalm, valueWords } from "./chart-data";
import type { Gap } from "./gaps";
import { drawHatch } from "./hatch";
import { drawLimits, type Limit } from "./limits";

/** All charts of a page are read at one instant. */
export const CURSOR = "farwatch";
export const HEIGHT = 168;
export const SMALL_HEIGHT = 56;
/** Room of the axes, which marks and the line of events keep, too. */
export const LEFT_PX = 68;
export const RIGHT_PX = 18;
const BOTTOM_PX = 26;
const [MINUTE_S, HOUR_S, DAY_S] = [60, 3600, 86_400];
/** Between the ticks of an axis in seconds, which are read as minutes, hours and days: no tick is at 16 min 40 s. */
const SECOND_STEPS: readonly number[] = [
  ...[-6, -5, -4, -3, -2, -1].flatMap((exponent) => [1, 2, 5].map((digit) => Number(`${digit}e${exponent}`))),
  1, 2, 5, 10, 20, 30, ...[1, 2, 5, 10, 20, 30].map((n) => n * MINUTE_S), ...[1, 2, 3, 6, 12].map((n) => n * HOUR_S),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].map((n) => n * DAY_S),
];
/** Of an axis in bytes, so that its ticks are round in KiB, MiB and GiB: up to PiB. */
const BYTE_STEPS: readonly number[] = Array.from({ length: 60 }, (_, power) => 2 ** power);
/** Of units whose ticks are not told by tens. */
const STEPS: Readonly<Partial<Record<string, readonly number[]>>> = { s: SECOND_STEPS, B: BYTE_STEPS };
/** A drag shorter than this is a click. */
const MIN_DRAG_PX = 6;

export interface Look {
  spec: ChartSpec;
  banded: boolean;
  compared: boolean;
  /** Pixels of a chart without axes; null: a whole one. */
  small: number | null;
  zone: Zone;
  limits: readonly Limit[];
  /** The value axis, where it is not told by the values alone. */
  range: readonly [number, number] | null;
}

interface Calls {
  onZoom: (fromMs: number, toMs: number) => void;
  onReset: () => void;
  onCursor: (plot: uPlot) => void;
  /** What is hatched, as it is when it is drawn. */
  gaps: () => readonly Gap[];
}

/** The order of `options`: lines, what was before, the edges of the bands. */
export function columns({ times, values, bands, before }: ChartData): uPlot.AlignedData {
  return [times, ...values, ...(before ?? []), ...(bands ?? []).flatMap(({ min, max }) => [max, min])];
}

/** Where the columns of a line stand. */
export function places(lines: number, line: number, compared: boolean) {
  return { value: 1 + line, before: 1 + lines + line, max: 1 + (compared ? 2 : 1) * lines + 2 * line };
}

function series({ spec, banded, compared }: Look): uPlot.Series[] {
  const { lines } = spec;
  const own = lines.map((line): uPlot.Series => ({
    label: line.label,
    stroke: (plot, at) => token(isCalm(line, plot.data[at] as (number | null | undefined)[] | undefined) ? "faint" : line.colour),
    width: 1.5,
    ...(line.dash ? { dash: [...line.dash] } : {}),
    ...(spec.filled && !banded ? { fill: () => token(`${line.colour}-soft`) } : {}),
    spanGaps: false,
    points: { show: lonely, size: 4 },
  }));
  const before = compared
    ? lines.map((line): uPlot.Series => ({ stroke: () => token(line.colour), width: 1, alpha: 0.65, dash: [3, 3], spanGaps: false, points: { show: false } }))
    : [];
  const edge: uPlot.Series = { stroke: "transparent", points: { show: false } };
  return [{}, ...own, ...before, ...(banded ? lines.flatMap(() => [edge, edge]) : [])];
}

function filled({ spec, banded, compared }: Look): uPlot.Band[] {
  if (!banded) return [];
  return spec.lines.map((line, i) => {
    const { max } = places(spec.lines.length, i, compared);
    return { series: [max, max + 1], fill: () => token(`${line.colour}-soft`) };
  });
}

function axes({ spec, small, zone }: Look): uPlot.Axis[] {
  if (small !== null) return [{ show: false }, { show: false }];
  const steps = STEPS[spec.unit];
  const axis = { stroke: () => token("faint"), font: "11px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: () => token("chart-grid"), width: 1 } };
  return [
    { ...axis, size: BOTTOM_PX, space: 76, values: (_, ticks) => ticks.map((tick, i) => tickLabel(tick, ticks[i - 1] ?? null, ticks, zone)) },
    { ...axis, size: LEFT_PX, space: 32, ...(steps ? { incrs: [...steps] } : {}), values: (_, ticks) => ticks.map((tick) => valueWords(tick, spec)) },
  ];
}

export function options(look: Look, width: number, call: Calls): uPlot.Options {
  const { spec, small, zone, limits, range } = look;
  const axis = range ? ([...range] as [number, number]) : null;
  return {
    width,
    height: small ?? HEIGHT,
    // Room on the right for half a label of the time axis.
    padding: small !== null ? [4, 0, 2, 0] : [8, RIGHT_PX, 0, 0],
    legend: { show: false },
    ...(zone === "utc" ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") } : {}),
    cursor: {
      sync: { key: CURSOR },
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG_PX },
      points: { size: 6 },
      // Values are read in the caption: a line across would only hide them.
      y: false,
      bind: {
        dblclick: () => () => {
          call.onReset();
          return null;
        },
      },
    },
    scales: { x: { time: true }, y: { range: (_, min, max) => axis ?? [Math.min(0, min), spec.max ?? nice(Math.max(0, min, max))] } },
    series: series(look),
    bands: filled(look),
    axes: axes(look),
    hooks: {
      setCursor: [call.onCursor],
      drawAxes: [(plot) => drawHatch(plot, call.gaps())],
      draw: [(plot) => drawLimits(plot, limits)],
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
function lonely(plot: uPlot, at: number): boolean {
  let known = 0;
  for (const value of plot.data[at] ?? []) {
    if (value !== null && value !== undefined) known += 1;
    if (known > 2) return false;
  }
  return known > 0;
}

/** The time of a tick; the day where a new one begins or the ticks are days apart. */
function tickLabel(tick: number, before: number | null, ticks: readonly number[], zone: Zone): string {
  const { clock, dayMonth } = wordsIn(zone);
  const step = ticks.length > 1 ? (ticks[1] ?? 0) - (ticks[0] ?? 0) : 0;
  const day = dayMonth(tick * 1000);
  const newDay = before !== null && dayMonth(before * 1000) !== day;
  return step >= DAY_S || newDay ? day : clock(tick * 1000, step < 60);
}

function nice(max: number): number {
  return max > 0 ? max * 1.08 : 1;
}

/** Puts the pointer of all charts at an instant; null takes it away. For events that are stepped through. */
export function pointAt(seconds: number | null): void {
  for (const plot of uPlot.sync(CURSOR).plots) {
    const at = seconds === null ? -10 : plot.valToPos(seconds, "x");
    plot.setCursor({ left: at, top: seconds === null ? -10 : 8 }, true);
  }
}
