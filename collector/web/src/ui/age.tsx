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

/** Text for a value's tooltip: its age and its exact time. */
export function ageTitle(at: string | null | undefined): string {
  const seconds = ageSeconds(at, serverNow());
  return seconds === null ? "No value yet" : `${duration(seconds)} ago · ${dateTime(at)}`;
}
