/** What was lost, and when the agent did not run, in a chart: its time is hatched below the lines. */
import type uPlot from "uplot";
import { isStop } from "../../lib/gap-words";
import { token } from "../../lib/theme";
import type { Gap } from "./gaps";

/** Between two strokes, and how wide a gap is at the least: a short one is found, too. */
const [STEP_PX, STOP_STEP_PX, LEAST_PX] = [6, 10, 3];

/** Left and right edge of a gap within the plot; null where it is outside. All in pixels. */
export function edges(from: number, to: number, left: number, right: number, least: number): [number, number] | null {
  if (to < left || from > right) return null;
  const [a, b] = [Math.max(left, from), Math.min(right, to)];
  const lack = Math.max(0, least - (b - a)) / 2;
  return [Math.max(left, a - lack), Math.min(right, b + lack)];
}

/** Strokes and a line at either end: it is told by its pattern, not by its colour. */
export function drawHatch({ ctx, bbox, valToPos }: uPlot, gaps: readonly Gap[]): void {
  if (gaps.length === 0) return;
  const ratio = devicePixelRatio;
  const { left, top, width, height } = bbox;
  ctx.save();
  ctx.lineWidth = ratio;
  for (const gap of gaps) {
    const found = edges(valToPos(gap.from, "x", true), valToPos(gap.to, "x", true), left, left + width, LEAST_PX * ratio);
    if (!found) continue;
    const [from, to] = found;
    // What was not measured falls the other way.
    const stop = isStop(gap.cause);
    ctx.save();
    ctx.strokeStyle = token(stop ? "stop" : "edge");
    ctx.beginPath();
    ctx.rect(from, top, to - from, height);
    ctx.clip();
    ctx.beginPath();
    const step = (stop ? STOP_STEP_PX : STEP_PX) * ratio;
    const [low, high] = stop ? [top, top + height] : [top + height, top];
    // Of one grid for the whole plot: two gaps beside each other are one pattern.
    for (let x = Math.floor((from - height) / step) * step; x < to; x += step) {
      ctx.moveTo(x, low);
      ctx.lineTo(x + height, high);
    }
    for (const x of [from, to]) {
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}
