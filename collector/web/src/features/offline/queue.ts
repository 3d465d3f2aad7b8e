/** Core: what people did with alerts while the collector was away, until it is sent. In order, each with its time. */
import * as v from "valibot";

export const QUEUE_MAX = 50;
/** What is older may be wrong by now: it is asked about before it is sent. */
export const OLD_MS = 3_600_000;

const act = v.object({
  id: v.string(),
  /** When it was done, by the clock of this browser. */
  at: v.number(),
  act: v.picklist(["ack", "unack", "silence", "unsilence"]),
  alerts: v.pipe(v.array(v.string()), v.maxLength(200)),
  note: v.optional(v.string()),
  until: v.optional(v.string()),
  /** What it is about, for who is asked later: «core-1 is down», «3 alerts». */
  label: v.string(),
  /** It is old, and somebody said that it is to be sent all the same. */
  isMeant: v.optional(v.boolean()),
});

export type QueuedAct = v.InferOutput<typeof act>;
const queue = v.array(act);

/** What was stored; what is none is left out. */
export function parsed(text: string | null): readonly QueuedAct[] {
  try {
    const found = v.safeParse(queue, JSON.parse(text ?? "[]"));
    return found.success ? found.output.slice(0, QUEUE_MAX) : [];
  } catch {
    return [];
  }
}

/** Null: it is full. */
export function enqueued(all: readonly QueuedAct[], one: QueuedAct): readonly QueuedAct[] | null {
  return all.length < QUEUE_MAX ? [...all, one] : null;
}

export const without = (all: readonly QueuedAct[], id: string): readonly QueuedAct[] => all.filter((one) => one.id !== id);
export const meant = (all: readonly QueuedAct[], id: string): readonly QueuedAct[] =>
  all.map((one) => (one.id === id ? { ...one, isMeant: true } : one));

export type Step = { do: "send" | "ask"; one: QueuedAct };

/** What is to be done with the first; those behind it wait for that. */
export function next([one]: readonly QueuedAct[], nowMs: number): Step | null {
  if (!one) return null;
  return { do: nowMs - one.at > OLD_MS && !one.isMeant ? "ask" : "send", one };
}

/** What became of sending one. `away`: nobody answered, it stays where it is. */
export function settle(all: readonly QueuedAct[], id: string, outcome: "sent" | "refused" | "away"): readonly QueuedAct[] {
  return outcome === "away" ? all : without(all, id);
}

/** What waits for an alert: the last one of it says how it will be. */
export function waitingFor(all: readonly QueuedAct[], alert: string): QueuedAct["act"] | null {
  return all.findLast(({ alerts }) => alerts.includes(alert))?.act ?? null;
}

const WILL: Readonly<Record<QueuedAct["act"], string>> = {
  ack: "Acknowledgement queued", unack: "End of the acknowledgement queued", silence: "Silence queued", unsilence: "End of the silence queued",
};
export const queuedWord = (what: QueuedAct["act"]): string => WILL[what];

const DO: Readonly<Record<QueuedAct["act"], string>> = {
  ack: "Acknowledge", unack: "Undo acknowledgement", silence: "Silence", unsilence: "End silence",
};
export const actLine = ({ act: what, label }: QueuedAct): string => `${DO[what]}: ${label}`;

export function waitWords(count: number): string {
  return count === 1 ? "1 action waits" : `${count} actions wait`;
}
