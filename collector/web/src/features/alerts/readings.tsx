import { serverNow } from "../../lib/clock";
import { clockOf, dateTime, integer, momentTime, NONE } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import type { AlertDetail, State } from "../../lib/types";
import { StateBadge } from "../../ui/state-badge";
import { figure } from "../rules/units";
import { causeWordsOf } from "./cause-words";
import { asOf } from "./evidence";
import { foldReadings } from "./fold-readings";

type Sample = AlertDetail["evidence"]["samples"][number];

/** The state of a reading; null where it is of a value, or of a state that has no sign here. */
function stateIn({ state }: { state: string | null }): State | null {
  return STATES.find((one) => one === state) ?? null;
}

/** The last reading that was wrong: of a state, the one that the alert tells; else the last that has a cause. */
function lastWrong({ state: last, evidence: { samples } }: AlertDetail): Pick<Sample, "state" | "cause"> & { at: string | undefined } | null {
  if (last) return { ...last, state: stateIn(last), at: samples.findLast(({ state, cause }) => state === last.state && cause === last.cause)?.at };
  return samples.findLast(({ cause }) => cause !== null) ?? null;
}

function isAfter(at: string, fired: string | null): boolean {
  return fired !== null && Date.parse(at) > Date.parse(fired);
}

/** «At 08:54:46 it was degraded: no answer.», «Last: …» once it had fired, and what to do about that while it lasts. Nothing, where no more than a value is known. */
export function LastWrong({ alert }: { alert: AlertDetail }) {
  const last = lastWrong(alert);
  const causes = causeWordsOf(alert.evidence);
  const cause = causes.word(last?.cause);
  const state = last && stateIn(last);
  if (!last || (!state && !cause)) return null;
  const words = state ? `${STATE_WORD[state].toLowerCase()}${cause ? `: ${cause}` : ""}` : cause;
  const hint = alert.phase === "resolved" ? null : causes.hint(last.cause);
  // What was read after it fired is not why it did.
  const isLater = !last.at || isAfter(last.at, alert.fired_at);
  return (
    <p data-last-wrong={state ?? "value"}>
      {isLater && "Last: "}
      {last.at && <>{isLater ? "at" : "At"} <time dateTime={last.at} title={dateTime(last.at)}>{momentTime(last.at, serverNow())}</time>{state ? " " : isLater ? ", " : ": "}</>}
      {state && "it was "}
      <span className="font-medium">{words}</span>.
      {hint && <span className="text-muted"> {hint}</span>}
    </p>
  );
}

/** What was looked at, the newest first: values, or states and what made them so. */
export function Readings({ alert }: { alert: AlertDetail }) {
  const { evidence, unit, fired_at: fired } = alert;
  const { samples } = evidence;
  if (samples.length === 0) return <p className="text-muted">No reading is kept.</p>;
  const count = `${integer(samples.length)} ${samples.length === 1 ? "reading" : "readings"}`;
  // Times alone say nothing.
  if (samples.every(({ state, cause, value }) => !state && !cause && value === null)) return <p className="text-muted">{count} looked at{asOf(alert, serverNow())}.</p>;
  const isOfStates = samples.some((sample) => stateIn(sample) !== null);
  const tell = clockOf(samples);
  const causes = causeWordsOf(evidence);
  const folds = foldReadings(samples, fired);
  return (
    <details className="group" open={folds.length <= OPEN_MAX}>
      <summary className="flex min-h-8 cursor-pointer items-center text-muted hover:text-text phone:min-h-11">{count}{asOf(alert, serverNow())}</summary>
      <table className="w-full border-collapse text-xs" aria-label="Readings">
        <thead className="text-muted">
          <tr>
            <th scope="col" className="py-1 pr-2 text-left font-normal">Time</th>
            <th scope="col" className={`px-2 py-1 font-normal ${isOfStates ? "text-left" : "num"}`}>{isOfStates ? "State" : "Value"}</th>
            <th scope="col" className="py-1 pl-4 text-left font-normal"><span className="sr-only">When</span></th>
          </tr>
        </thead>
        <tbody>
          {folds.toReversed().map(({ first, last, count: times, isAfter: isLater }) => (
            <tr key={first.at} className="border-t border-line" data-readings={times}>
              <td className="py-0.5 pr-2 whitespace-nowrap" title={times > 1 ? `${dateTime(first.at)} – ${dateTime(last.at)}` : dateTime(first.at)}>
                {times > 1 && `${tell(Date.parse(first.at))} – `}{tell(Date.parse(last.at))}
              </td>
              <td className={`px-2 py-0.5 ${isOfStates ? "phone:w-full phone:min-w-28" : "num"}`}><Said sample={last} cause={causes.word(last.cause)} unit={unit} /></td>
              <td className="py-0.5 pl-4 text-muted desk:w-full phone:pl-2">{[times > 1 ? `${integer(times)} times` : "", isLater ? "after it fired" : ""].filter(Boolean).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** More of them are folded away. */
const OPEN_MAX = 8;

function Said({ sample, cause, unit }: { sample: Sample; cause: string | null; unit: string | null }) {
  const state = stateIn(sample);
  if (state) return <span className="whitespace-nowrap"><StateBadge state={state} note={cause} /></span>;
  return <>{sample.value === null ? (sample.state ?? NONE) : figure(sample.value, unit)}{cause && <span className="text-muted">, {cause}</span>}</>;
}
