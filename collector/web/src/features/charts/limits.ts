/** Limits of rules in a chart: a line each, with a word. */
import type uPlot from "uplot";
import { token } from "../../lib/theme";

/** A value that a rule looks at, drawn over the whole width. */
export interface Limit {
  value: number;
  word: string;
  tone: string;
  dash: readonly number[];
}

/** Room that the word of a line takes, above it or below. */
const WORD_PX = 16;

/**
 * Where the word of each line stands: above it. Where another line or its word is in the way, below; where the plot ends
 * there, beside the other word. Heights in pixels from the top.
 */
export function wordPlaces(lines: readonly number[], bottom: number): ("above" | "below" | "beside")[] {
  return lines.map((at, i) => {
    const isTaken = lines.some((other, k) => at - other < WORD_PX && (other < at || (other === at && k < i)));
    return !isTaken ? "above" : at + WORD_PX <= bottom ? "below" : "beside";
  });
}

/** Lines over the whole width, each with a word at its end. */
export function drawLimits({ ctx, bbox, valToPos }: uPlot, limits: readonly Limit[]): void {
  const ratio = devicePixelRatio;
  const lines = limits.map(({ value }) => Math.round(valToPos(value, "y", true)));
  const words = wordPlaces(lines.map((at) => at / ratio), (bbox.top + bbox.height) / ratio);
  const right = bbox.left + bbox.width - 4 * ratio;
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  for (const [i, { word, tone, dash }] of limits.entries()) {
    const at = lines[i] ?? 0;
    ctx.strokeStyle = ctx.fillStyle = token(tone);
    ctx.setLineDash(dash.map((part) => part * ratio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.stroke();
    const others = limits.reduce((sum, other, k) => (k === i ? sum : sum + ctx.measureText(`${other.word}  `).width), 0);
    ctx.fillText(word, words[i] === "beside" ? right - others : right, words[i] === "below" ? at + 12 * ratio : at - 4 * ratio);
  }
  ctx.restore();
}
