import { serverNow } from "../../lib/clock";
import { dateTime, momentTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import type { AlertDetail } from "../../lib/types";
import { courseOf, type Stretch } from "./course";
import { type Severity, severityOf } from "./standing";

const LOOK: Readonly<Record<Exclude<Stretch["kind"], "firing">, string>> = { pending: "border border-dashed border-control bg-surface", well: "border border-up bg-surface" };
/** Red is for what is critical. */
const FIRING: Readonly<Record<Severity, string>> = { critical: "bg-down", warning: "bg-degraded", info: "bg-accent" };
const WORD: Readonly<Record<Stretch["kind"], string>> = { pending: "pending", firing: "firing", well: "well" };

/** How long it was wrong, and how much of that it fired; behind it, how long it was well until it was over. */
export function CourseBar({ alert }: { alert: AlertDetail }) {
  // As a string, so that the second hand renders it only when something is another.
  const course = JSON.parse(useEachSecond(() => JSON.stringify(courseOf(alert, serverNow())))) as Stretch[];
  const words = course.map(({ kind, words: of }) => `${WORD[kind]} ${of}`).join(", ");
  return (
    <div role="img" aria-label={`Course: ${words}`} className="flex flex-col gap-1 py-1" data-course>
      <div className="flex h-2.5 gap-px">
        {course.map(({ kind, share }) => (
          <span key={kind} className={`min-w-1 rounded-sm ${kind === "firing" ? FIRING[severityOf(alert)] : LOOK[kind]}`} style={{ flexGrow: Math.max(share, 0.02), flexBasis: 0 }} />
        ))}
      </div>
      <div className="flex justify-between text-xs text-muted">
        <time dateTime={alert.began_at} title={dateTime(alert.began_at)}>{momentTime(alert.began_at, serverNow())}</time>
        <span>{words}</span>
        {alert.resolved_at ? <time dateTime={alert.resolved_at} title={dateTime(alert.resolved_at)}>{momentTime(alert.resolved_at, serverNow())}</time> : <span>now</span>}
      </div>
    </div>
  );
}
