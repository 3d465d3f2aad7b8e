import { serverNow } from "../lib/clock";
import { age, dateTime, duration, NONE } from "../lib/format";
import { useEachSecond } from "../lib/live-app";
import { ageSeconds } from "../lib/state";

/** How long ago, ticking. The exact time is on hover. */
export function Age({ at, long }: { at: string | null | undefined; long?: boolean }) {
  const text = useEachSecond(() => {
    const seconds = ageSeconds(at, serverNow());
    return seconds === null ? NONE : long ? `${duration(seconds)} ago` : age(seconds);
  });
  return at ? (
    <time dateTime={at} title={dateTime(at)}>
      {text}
    </time>
  ) : (
    <span>{NONE}</span>
  );
}

const DAY_S = 86_400;
const SOON_S = 7 * DAY_S;
/** From here on the hours say nothing. */
const DAYS_S = 2 * DAY_S;

/** When something ends: in how long, amber in its last days, red once it is over. The day is on hover. */
export function Ends({ at }: { at: string }) {
  const text = useEachSecond(() => {
    const seconds = (Date.parse(at) - serverNow()) / 1000;
    if (seconds <= 0) return `expired ${duration(-seconds)} ago`;
    return `in ${duration(seconds < DAYS_S ? seconds : Math.round(seconds / DAY_S) * DAY_S)}`;
  });
  const isSoon = useEachSecond(() => Date.parse(at) - serverNow() < SOON_S * 1000);
  const look = text.startsWith("expired") ? "font-medium text-down" : isSoon ? "text-degraded" : "";
  return <time dateTime={at} title={dateTime(at)} className={look}>{text}</time>;
}

/** Text for a value's tooltip: its age and its exact time. */
export function ageTitle(at: string | null | undefined): string {
  const seconds = ageSeconds(at, serverNow());
  return seconds === null ? "No value yet" : `${duration(seconds)} ago · ${dateTime(at)}`;
}
