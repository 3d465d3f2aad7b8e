import { serverNow } from "../../lib/clock";
import { dateTime, duration, percent, sinceTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { causeWord, STATE_WORD } from "../../lib/state";
import type { Device, State } from "../../lib/types";
import { Age } from "../../ui/age";
import { StateShape } from "../../ui/state-badge";
import { useShown } from "../fleet/fleet-row";
import type { Happened } from "../timeline/use-timeline";
import { isSteady, SHARE_FROM_MS, shownCourse, sinceWhen, type UpShare, upShare } from "./state-course";
import { useStateBefore } from "./use-week";

const DAY_MS = 86_400_000;
/** The strip moves on this often. */
const STEP_MS = 60_000;
const LOOK: Readonly<Record<State, string>> = { up: "bg-up", degraded: "bg-degraded", down: "bg-down", unknown: "border border-dashed border-unknown" };
const COLOUR: Readonly<Record<State, string>> = { up: "text-up", degraded: "text-degraded", down: "text-down", unknown: "text-unknown" };

/** Rendered anew each second only while seconds are told: up to the present one, later up to the last whole minute. */
function wholeStep(nowMs: number, bornMs: number): number {
  return nowMs - bornMs < SHARE_FROM_MS ? Math.ceil(nowMs / 1000) * 1000 : Math.floor(nowMs / STEP_MS) * STEP_MS;
}

/** How it is, since when, and how it was over the last 24 hours. */
export function StateStrip({ device, week }: { device: Device; week: Happened }) {
  const [state, cause] = useShown(device);
  const to = useEachSecond(() => Math.ceil(serverNow() / STEP_MS) * STEP_MS);
  const from = to - DAY_MS;
  const born = Date.parse(device.created_at);
  // Until its changes are known nothing says that it was all the time as it is.
  const isSame = week.isKnown && isSteady(week.items);
  const before = useStateBefore(device, state === "unknown" && isSame && from - born > 7 * DAY_MS);
  const heardMs = Date.parse(device.last_sample_at ?? device.created_at);
  const until = (end: number) => (week.isKnown ? shownCourse(week.items, { now: state, before, bornMs: born, heardMs, from: end - DAY_MS, to: end }) : []);
  const course = until(to);
  // The strip ends a step ahead; what is not yet was not seen.
  const now = useEachSecond(() => wholeStep(serverNow(), born));
  const share = upShare(until(now), DAY_MS);
  const begins = course[0]?.from ?? from;
  const since = sinceWhen(week.items, state) ?? (state === "unknown" ? device.last_sample_at : null);
  const lasting = useEachSecond(() => (since ? duration((serverNow() - Date.parse(since)) / 1000) : ""));
  return (
    <section aria-label="State" className="rounded-lg border border-line bg-surface px-4 py-3 phone:px-3" data-state-strip={state}>
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <h2 className="inline-flex items-center gap-2 text-xl font-semibold"><StateShape state={state} size={16} /><span className={COLOUR[state]}>{STATE_WORD[state]}</span></h2>
        {causeWord(cause) && state !== "up" && <span>{causeWord(cause)}</span>}
        <span className="text-muted">
          {!week.isKnown ? "" : since
            ? <>for <span className="text-text">{lasting}</span>, since <time dateTime={since} title={dateTime(since)}>{sinceTime(since, serverNow())}</time></>
            : isSame && (now - born > 7 * DAY_MS ? "without a change in the last 7 days" : <>since it was added, <Age at={device.created_at} long /></>)}
        </span>
        <span className="flex-1" />
        {share && <Share of={share} />}
      </div>
      <div className="relative mt-2.5 h-4 overflow-hidden rounded-sm bg-line" role="img" aria-label={`The last 24 hours: ${spoken(course)}`} data-course={course.length}>
        {begins - from > DAY_MS / 5 && (
          <span aria-hidden="true" className="absolute inset-y-0 left-0 flex items-center justify-center text-2xs text-muted" style={{ width: `${(100 * (begins - from)) / DAY_MS}%` }}>not watched yet</span>
        )}
        {course.map((one) => (
          <span key={one.from} style={{ left: `${(100 * (one.from - from)) / DAY_MS}%`, width: `${(100 * (one.to - one.from)) / DAY_MS}%` }}
            title={`${one.state ? STATE_WORD[one.state] : "Not known"}, ${dateTime(one.from)} – ${dateTime(one.to)}`}
            className={`absolute inset-y-0 min-w-[2px] ${one.state ? LOOK[one.state] : ""}`} />
        ))}
      </div>
      <div aria-hidden="true" className="mt-1 flex justify-between text-2xs text-muted">
        {[24, 18, 12, 6].map((hours) => <span key={hours}>{sinceTime(new Date(to - hours * 3_600_000).toISOString(), to)}</span>)}
        <span>now</span>
      </div>
    </section>
  );
}

/** Nobody takes the first minutes of a device for its day. */
function Share({ of: { share, seenMs, isWhole } }: { of: UpShare }) {
  const seen = duration(seenMs / 1000);
  if (share === null) return <span className="text-muted" data-up-share="none">seen for only {seen}</span>;
  return (
    <span className="text-muted">
      <span className="font-medium text-text" data-up-share>{percent(share)} %</span> up in {isWhole ? "24 h" : `the ${seen} seen`}
    </span>
  );
}

function spoken(course: readonly { state: State | null; from: number; to: number }[]): string {
  return course.map(({ state, from, to }) => `${state ? STATE_WORD[state] : "not known"} ${duration((to - from) / 1000)}`).join(", ");
}
