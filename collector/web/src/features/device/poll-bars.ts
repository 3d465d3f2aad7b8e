/** The round trips of the last polls, for a row of bars. */
import type { ChartData } from "../charts/chart-data";

export interface PollBar {
  /** Seconds. */
  at: number;
  /** Null: no echo came back. */
  rtt: number | null;
}

export interface PollBars {
  bars: readonly PollBar[];
  /** Of those that answered; null where none did. */
  least: number | null;
  most: number | null;
  lost: number;
}

type Line = Pick<ChartData, "times" | "values">;

/** A poll is where it is known how much was lost: a gap in which nobody asked is none. */
export function pollBars(trips: Line, losses: Line, count: number): PollBars {
  const rtts = new Map(trips.times.map((at, i) => [at, trips.values[0]?.[i] ?? null]));
  const bars = losses.times
    .flatMap((at, i): PollBar[] => (typeof losses.values[0]?.[i] === "number" ? [{ at, rtt: rtts.get(at) ?? null }] : []))
    .slice(-count);
  const known = bars.flatMap(({ rtt }) => (rtt === null ? [] : [rtt]));
  return {
    bars, lost: bars.length - known.length,
    least: known.length > 0 ? Math.min(...known) : null, most: known.length > 0 ? Math.max(...known) : null,
  };
}
