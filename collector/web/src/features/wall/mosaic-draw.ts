/** Draws the mosaic: a shape for each device, in the colour of how loud it is. */
import { token } from "../../lib/theme";
import type { State } from "../../lib/types";
import type { Tone } from "../alerts/tone";

export interface Cell {
  state: State;
  tone: Tone;
}

/** A cell as a word, and a mosaic as words with commas between: the same text is the same picture. */
export function wordOf({ state, tone }: Cell): string {
  return `${state} ${tone}`;
}

const TOKEN: Readonly<Record<Tone, string>> = { alarm: "down", warn: "degraded", muted: "muted", calm: "up" };

/** The same four shapes as everywhere: disc, triangle, square, broken ring. `r` is half the room. */
function shape(to: CanvasRenderingContext2D, state: State, x: number, y: number, r: number): void {
  to.beginPath();
  switch (state) {
    case "up":
      to.arc(x, y, r * 0.62, 0, 2 * Math.PI);
      return to.fill();
    case "degraded":
      to.moveTo(x, y - r * 0.85);
      to.lineTo(x + r * 0.95, y + r * 0.8);
      to.lineTo(x - r * 0.95, y + r * 0.8);
      return to.fill();
    case "down":
      return to.fillRect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6);
    case "unknown":
      to.arc(x, y, r * 0.6, 0, 2 * Math.PI);
      to.lineWidth = Math.max(1, r * 0.26);
      to.setLineDash([r * 0.46, r * 0.3]);
      return to.stroke();
  }
}

/** Fills the whole canvas with what `wordOf` told; `size` is the side of a cell in CSS pixels. */
export function drawMosaic(canvas: HTMLCanvasElement, told: string, columns: number, size: number): void {
  const to = canvas.getContext("2d");
  if (!to) return;
  const cells = told.split(",");
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(columns * size * scale);
  canvas.height = Math.round(Math.ceil(cells.length / columns) * size * scale);
  to.scale(scale, scale);
  const colours = Object.fromEntries(Object.entries(TOKEN).map(([tone, name]) => [tone, token(name)])) as Record<Tone, string>;
  cells.forEach((word, i) => {
    const [state, tone] = word.split(" ") as [State, Tone];
    to.fillStyle = to.strokeStyle = colours[tone];
    shape(to, state, ((i % columns) + 0.5) * size, (Math.floor(i / columns) + 0.5) * size, size * 0.42);
  });
}
