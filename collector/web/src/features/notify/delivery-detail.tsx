import { Link } from "@tanstack/react-router";
import { dateTime, NONE } from "../../lib/format";
import { CopyLine } from "../../ui/copy-line";
import { Fact, Facts } from "../../ui/facts";
import { StateShape } from "../../ui/state-badge";
import { refusedPlaceOf } from "./allow";
import { AllowHelp } from "./allow-help";
import { adviceFor, isTest, outcomeWord, tookWords } from "./delivery-words";
import type { Channel, Delivery, DeliveryAttempt } from "./types";

/** What it is about; of an alert, the way to it. */
export function AlertLink({ delivery }: { delivery: Delivery }) {
  const { alert, summary } = delivery;
  // The words of the message itself say that it works.
  if (isTest(delivery)) return <span>Sent by hand</span>;
  if (!alert) return <span className="wrap-anywhere">{summary}</span>;
  const to: string = `/alerts/${alert}`;
  return <Link to={to} className="block min-w-0 wrap-anywhere hover:text-accent hover:underline desk:py-1.5">{summary}</Link>;
}

/** Every attempt of a delivery, and what a receiver knows it by. */
export function DeliveryDetail({ delivery, channel }: { delivery: Delivery; channel: Channel }) {
  const { attempts, key, created_at: created, ended_at: ended, next_at: next, state } = delivery;
  const last = attempts.at(-1);
  const advice = last && state !== "delivered" ? adviceFor(channel.kind, last) : null;
  const place = last && state !== "delivered" ? refusedPlaceOf(channel, last) : null;
  return (
    <div className="flex max-w-[720px] flex-col gap-3">
      <Facts>
        <Fact name="Came up">{dateTime(created)}</Fact>
        <Fact name={state === "queued" ? "Next try" : "Ended"}>{state === "queued" ? dateTime(next) : dateTime(ended)}</Fact>
        <Fact name={channel.kind === "webhook" ? "webhook-id" : "Key"}><CopyLine text={key} label="Copy the key" /></Fact>
      </Facts>
      {attempts.length > 0 && (
        <ol aria-label="Attempts" className="flex flex-col gap-1">
          {attempts.map((attempt) => <Attempt key={attempt.at} attempt={attempt} />)}
        </ol>
      )}
      {advice && <p className="text-muted">{advice}</p>}
      {place && <AllowHelp kind={channel.kind} place={place} />}
    </div>
  );
}

function Attempt({ attempt: { at, outcome, detail, status, took_ms: took } }: { attempt: DeliveryAttempt }) {
  const isDelivered = outcome === "delivered";
  return (
    <li className="flex items-baseline gap-2">
      <span><StateShape state={isDelivered ? "up" : "down"} size={10} /></span>
      <span className="min-w-0 wrap-anywhere">
        <span className="text-muted">{dateTime(at)} </span>
        {outcomeWord(outcome)}{detail ? `: ${detail}` : isDelivered && status !== null ? `, answered ${status}` : ""}
        <span className="text-muted"> {took > 0 || isDelivered ? tookWords(took) : NONE}</span>
      </span>
    </li>
  );
}
