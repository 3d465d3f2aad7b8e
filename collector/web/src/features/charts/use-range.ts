/** A range that slides on while it is live, and what moves it. Where it is kept is the caller's. */
import { useState } from "react";
import { currentSecond, serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { absolute, DEFAULT_RANGE, isLive, type Range, resolve, shift, zoomIn, zoomOut } from "../../lib/range";
import type { ChartRange } from "./chart-scope";

/** A live chart slides by one pixel at a time; its edge is ahead of now, never behind. */
function slideSeconds(spanMs: number): number {
  return Math.max(1, Math.round(spanMs / 1000 / 600));
}

type Kept = Pick<ChartRange, "range" | "zone" | "compare" | "set" | "setZone" | "setCompare">;

/** `home`: where the way back leads, if not to the live range one came from. */
export function useRange(kept: Kept, home?: Range): ChartRange {
  const { range, set } = kept;
  const still = resolve(range, serverNow());
  const slide = slideSeconds(still ? still.to - still.from : 0);
  const edge = useEachSecond(() => (isLive(range) ? Math.ceil((currentSecond() + 1) / slide) * slide : 0));
  const span = resolve(range, edge ? edge * 1000 : serverNow());
  const [lastLive, setLastLive] = useState(isLive(range) ? range : DEFAULT_RANGE);
  if (isLive(range) && range !== lastLive) setLastLive(range);
  return {
    ...kept,
    span,
    isLive: isLive(range),
    shift: (by) => span && set(shift(span, by, serverNow())),
    zoomIn: () => set(zoomIn(range, serverNow())),
    zoomOut: () => set(zoomOut(range, serverNow())),
    zoom: (from, to) => set(absolute(from, to)),
    reset: () => set(home ?? lastLive),
  };
}
