import { duration } from "../../lib/format";
import { isStop, nothingWords } from "../../lib/gap-words";
import { type ChartData, type ChartSpec, valueWords } from "./chart-data";
import { useZoneWords } from "./chart-scope";
import { flagRuns } from "./flag-runs";
import { hatched } from "./gaps";

interface Props {
  spec: ChartSpec;
  data: ChartData;
  /** Milliseconds. */
  from: number;
  to: number;
  gapS: number;
}

/** What is so or not so, over the range: a strip, as that of the states of a device. */
export function FlagStrip({ spec, data: { times, values, gaps }, from, to, gapS }: Props) {
  const { short } = useZoneWords();
  const runs = flagRuns(times, values[0] ?? [], { from: from / 1000, to: to / 1000, gapS });
  const length = (to - from) / 1000;
  const place = (run: { from: number; to: number }) => ({ left: `${(100 * (run.from - from / 1000)) / length}%`, width: `${(100 * (run.to - run.from)) / length}%` });
  const words = runs.map((run) => `${valueWords(run.value, spec)} for ${duration(run.to - run.from)}`).join(", ");
  return (
    <div className="px-1" role="img" aria-label={`${spec.title}: ${words || "not known"}`} data-flag={runs.length}>
      <div className="relative h-4 overflow-hidden rounded-sm bg-line">
        {/* Below the runs: what a sample says holds a little into the gap. */}
        {hatched(gaps, from / 1000, to / 1000).map((gap) => (
          <span key={`${gap.from} ${gap.cause}`} title={`no data: ${nothingWords(gap.cause)}, ${short(gap.from * 1000)} – ${short(gap.to * 1000)}`}
            className={`${isStop(gap.cause) ? "hatched-stop" : "hatched"} absolute inset-y-0 min-w-[3px]`} style={place(gap)} />
        ))}
        {runs.map((run) => (
          <span key={run.from} title={`${valueWords(run.value, spec)}, ${short(run.from * 1000)} – ${short(run.to * 1000)}`}
            className={`absolute inset-y-0 min-w-[2px] ${run.value === spec.good ? "bg-up" : run.value === 0 || run.value === 1 ? "bg-down" : "bg-degraded"}`}
            style={place(run)} />
        ))}
      </div>
      <div aria-hidden="true" className="mt-0.5 flex justify-between text-2xs text-muted"><span>{short(from)}</span><span>{short(to)}</span></div>
    </div>
  );
}
