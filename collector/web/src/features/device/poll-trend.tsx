import { clockTime, counted, reading } from "../../lib/format";
import type { ChartData } from "../charts/chart-data";
import { POLLS } from "./live-figures";
import { pollBars } from "./poll-bars";

/** The lowest bar, of a hundred parts: it is there. */
const LOW = 6;

/** The last polls as bars on one scale: whether the link gets better while somebody turns the dish. */
export function PollTrend({ trips, losses }: { trips: ChartData; losses: ChartData }) {
  const { bars, least, most, lost } = pollBars(trips, losses, POLLS);
  if (bars.length === 0) return null;
  const ms = (value: number | null) => reading(value, "ms");
  const words = `${ms(least)} to ${ms(most)}${lost > 0 ? `, ${lost} without an answer` : ""}`;
  return (
    <figure className="m-0" aria-label={`Round trip of the last ${counted(bars.length, "poll")}: ${words}`} data-poll-trend={bars.length}>
      <figcaption className="flex justify-between gap-3 text-base text-muted"><span>Last {counted(bars.length, "poll")}</span><span>{words}</span></figcaption>
      <div className="mt-1 flex h-16 items-end gap-1" aria-hidden="true">
        {Array.from({ length: POLLS - bars.length }, (_, i) => <span key={`none ${i}`} className="h-px min-w-0 flex-1 bg-edge" />)}
        {bars.map(({ at, rtt }) => (
          <span key={at} title={`${clockTime(at * 1000, true)}: ${rtt === null ? "no answer" : ms(rtt)}`}
            className={`min-w-0 flex-1 rounded-t-sm ${rtt === null ? "h-full border-2 border-dashed border-down" : "bg-chart-in"}`}
            style={rtt === null ? undefined : { height: `${Math.max(LOW, (100 * rtt) / (most || 1))}%` }} />
        ))}
      </div>
    </figure>
  );
}
