/** Deliveries in words: how one stands, why an attempt failed, and what to do about that. */
import { threeFigures } from "../../lib/format";
import type { State } from "../../lib/types";
import type { ChannelKind, Delivery, DeliveryAttempt } from "./types";

const EVENT_WORD: Readonly<Record<string, string>> = {
  "alert.firing": "Firing", "alert.resolved": "Resolved", "channel.failing": "Channel fails", test: "Test",
};

export function eventWord(event: string): string {
  return EVENT_WORD[event] ?? event;
}

/** Sent by hand, once: what is not of an alert may also be the word that another channel fails. */
export function isTest({ event }: Pick<Delivery, "event">): boolean {
  return event === "test";
}

export function deliveryShown({ state, attempts, event }: Pick<Delivery, "state" | "attempts" | "event">): { state: State; word: string } {
  if (state === "delivered") return { state: "up", word: "Delivered" };
  if (state === "queued") {
    return attempts.length > 0 ? { state: "degraded", word: "Retrying" } : { state: "unknown", word: "Queued" };
  }
  return { state: "down", word: isTest({ event }) ? "Failed" : "Given up" };
}

const OUTCOME_WORD: Readonly<Record<string, string>> = {
  delivered: "delivered", refused: "refused", unreachable: "not reached", timeout: "no answer in time", forbidden: "not allowed",
  broken: "cannot be used",
};

export function outcomeWord(outcome: string): string {
  return OUTCOME_WORD[outcome] ?? outcome;
}

/** «in 84.0 ms», «in 10.0 s». */
export function tookWords(ms: number): string {
  return ms < 1000 ? `in ${ms} ms` : `in ${threeFigures(ms / 1000)} s`;
}

/** «refused: answered 500»; null where nothing went wrong or nothing was tried. */
export function causeWords({ state, attempts }: Pick<Delivery, "state" | "attempts">): string | null {
  const last = attempts.at(-1);
  // The server ends one that was never tried: too much waited, or it got too old.
  if (!last) return state === "failed" ? "never tried: too much waited for this channel, or it got too old" : null;
  if (last.outcome === "delivered") return null;
  return last.detail ? `${outcomeWord(last.outcome)}: ${last.detail}` : outcomeWord(last.outcome);
}

/** The newest attempt that failed, of deliveries that are the newest first. */
export function lastFailure(deliveries: readonly Pick<Delivery, "attempts">[]): DeliveryAttempt | null {
  const failed = deliveries.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome !== "delivered"));
  return failed.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0] ?? null;
}

/** «Delivered», «Given up after 2 tries, refused: answered 500». */
export function stateWords(delivery: Pick<Delivery, "state" | "attempts" | "event">): string {
  const tries = delivery.attempts.length;
  const cause = causeWords(delivery);
  return `${deliveryShown(delivery).word}${tries > 1 ? ` after ${tries} tries` : ""}${cause ? `, ${cause}` : ""}`;
}

type Tried = Pick<DeliveryAttempt, "outcome" | "status">;

function refusedByHttp(status: number | null): string {
  if (status === null) return "Look at the log of the receiver: it says why.";
  if (status >= 300 && status < 400) return "Give the URL that it leads to.";
  if (status === 401 || status === 403) return "The receiver lets Farwatch in no more. Copy the URL from it anew and give it by «Edit».";
  if (status === 404 || status === 410) return "Nothing listens at this path. Copy the URL from the receiver anew and give it by «Edit».";
  if (status === 429) return "Others tell it too much. Alerts are tried again by themselves.";
  if (status >= 500) return "The receiver has a fault of its own: its log says which.";
  return "The receiver does not take what it gets: its log says why.";
}

function refusedByMail(status: number | null): string {
  if (status === null || status < 500) return "The mail server wants to be asked again later, which happens by itself for alerts. A test in some minutes tells more.";
  if (status === 530 || status === 534 || status === 535) {
    return "The mail server does not let this collector sign in: whoever runs it looks at [notify.smtp] of its file.";
  }
  return "The mail server does not take the mail: look whether each address is right, and whether it may send in the name of `from`.";
}

function notReached(kind: ChannelKind): string {
  if (kind === "email") return "Whoever runs this collector looks at [notify.smtp] of its file: host, port and encryption.";
  return "Look at the name and the port, whether a firewall stands between, and whether its certificate is of an authority that the collector " +
    "knows (`notify.ca_file` of its file names others).";
}

/** What to do about an attempt that failed; null where it did not. */
export function adviceFor(kind: ChannelKind, { outcome, status }: Tried): string | null {
  switch (outcome) {
    case "delivered":
      return null;
    case "refused":
      if (kind === "email") return refusedByMail(status);
      if (kind === "mqtt") return "Look at the user, the password and the topics that this user may publish to.";
      return refusedByHttp(status);
    case "unreachable":
      return notReached(kind);
    case "timeout":
      return kind === "email" ? "Look whether the mail server is up." : "Look whether it is up. A receiver should answer at once and work afterwards.";
    case "forbidden":
      return "Notifications go to the public internet only, by TLS. Whoever runs this collector can allow more in its file.";
    case "broken":
      return kind === "email"
        ? "Whoever runs this collector sets one in its file, as [notify.smtp]."
        : "Give its secrets anew by «Edit».";
    default:
      return "The collector's log tells more.";
  }
}
