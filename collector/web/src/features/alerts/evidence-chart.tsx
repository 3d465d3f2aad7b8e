import { useEffect, useEffectEvent, useMemo, useRef } from "react";
import uPlot from "uplot";
import { clockTime, dateTime, dayMonth } from "../../lib/format";
import { token, useTheme } from "../../lib/theme";
import type { AlertDetail } from "../../lib/types";
import { figure } from "../rules/units";
import { type EvidencePlot, evidencePlot, type Mark } from "./evidence";

const HEIGHT = 180;
/** From here on a time of day alone does not say when. */
const DAY_S = 2 * 86_400;

const TONE: Readonly<Record<Mark["kind"], string>> = { began: "unknown", fired: "down", resolved: "up" };

/** A line over the whole width or height, with a word at its end. */
function drawLine(plot: uPlot, kind: "x" | "y", value: number, tone: string, word: string, dash: number[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const at = Math.round(plot.valToPos(value, kind, true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = token(tone);
  ctx.lineWidth = ratio;
  ctx.setLineDash(dash.map((part) => part * ratio));
  ctx.beginPath();
  if (kind === "y") {
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
  } else {
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  if (kind === "y") {
    ctx.textAlign = "right";
    ctx.fillText(word, bbox.left + bbox.width - 4 * ratio, at - 4 * ratio);
  } else {
    const isLate = at > bbox.left + bbox.width * 0.7;
    ctx.textAlign = isLate ? "right" : "left";
    ctx.fillText(word, at + (isLate ? -4 : 4) * ratio, bbox.top + 11 * ratio);
  }
  ctx.restore();
}

function options({ data, limit, clear, marks, span, range }: EvidencePlot, unit: string | null, width: number): uPlot.Options {
  const axis = { stroke: () => token("faint"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => token("chart-grid"), width: 1 };
  return {
    width, height: HEIGHT, padding: [8, 18, 0, 0], legend: { show: false }, cursor: { show: false },
    scales: { x: { time: true, range: span }, y: { range } },
    series: [{}, { stroke: () => token("chart-in"), width: 1.5, points: { show: true, size: data[0].length > 20 ? 3 : 5 } }],
    axes: [
      { ...axis, grid, size: 26, space: 76, values: (_, ticks) => ticks.map((tick) => (span[1] - span[0] > DAY_S ? dayMonth(tick * 1000) : clockTime(tick * 1000, span[1] - span[0] < 600))) },
      { ...axis, grid, size: 68, space: 32, values: (_, ticks) => ticks.map((tick) => figure(tick, unit)) },
    ],
    hooks: {
      draw: [
        (plot) => {
          drawLine(plot, "y", limit, "down", "limit", []);
          if (clear !== null) drawLine(plot, "y", clear, "up", "well again", [5, 4]);
          for (const { kind, at } of marks) drawLine(plot, "x", at, TONE[kind], kind === "began" ? "wrong" : kind, [2, 3]);
        },
      ],
    },
  };
}

/** The readings of the evidence against the limit. The table beside it says the same. */
export function EvidenceChart({ alert }: { alert: AlertDetail }) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const { samples, condition } = alert.evidence;
  const shape = JSON.stringify([samples, condition, alert.began_at, alert.fired_at, alert.resolved_at]);
  // A detail that was asked for anew is drawn anew only where it says something else.
  // oxlint-disable-next-line react/exhaustive-deps
  const plot = useMemo(() => evidencePlot(alert), [shape]);
  const draw = useEffectEvent((element: HTMLElement, shown: EvidencePlot) =>
    new uPlot(options(shown, alert.unit, element.clientWidth), shown.data, element));
  useEffect(() => {
    const element = box.current;
    if (!element || !plot) return;
    const made = draw(element, plot);
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
    // The theme is read by the drawing functions when the plot is made.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [plot, theme]);
  if (!plot) return null;
  const words = `${samples.length} readings from ${dateTime(samples[0]?.at)}; the limit is ${figure(plot.limit, alert.unit)}`;
  return (
    <figure className="m-0 min-w-0" aria-label={words} data-evidence-chart={plot.data[0].length}>
      <div ref={box} className="w-full overflow-hidden" style={{ height: HEIGHT }} aria-hidden="true" />
    </figure>
  );
}
