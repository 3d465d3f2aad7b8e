import { causeWord, type ShownCause, STATE_WORD, stateWord } from "../lib/state";
import type { State } from "../lib/types";

export const STATE_COLOUR: Readonly<Record<State, string>> = {
  up: "text-up",
  degraded: "text-degraded",
  down: "text-down",
  unknown: "text-unknown",
};

/** Four shapes that differ without colour: disc, triangle, square, ring. */
export function StateShape({ state, size = 12, colour = STATE_COLOUR[state] }: { state: State; size?: number; colour?: string | undefined }) {
  return (
    <svg
      className={`${colour} shrink-0`}
      width={size}
      height={size}
      viewBox="0 0 12 12"
      fill="currentColor"
      aria-hidden="true"
    >
      {state === "up" && <circle cx="6" cy="6" r="4" />}
      {state === "degraded" && <path d="M6 1.200 11.400 10.800H.6Z" />}
      {state === "down" && <rect x="1.500" y="1.500" width="9" height="9" rx="1.500" />}
      {state === "unknown" && (
        <circle cx="6" cy="6" r="3.800" fill="none" stroke="currentColor" strokeWidth="1.700"
          strokeDasharray="2.300 1.680" />
      )}
    </svg>
  );
}

/** The state of a device and why it is so. */
export function DeviceState({ state, cause }: { state: State; cause: ShownCause | null }) {
  return <StateBadge state={state} word={stateWord(state, cause)} note={causeWord(cause)} />;
}

/** A port that somebody switched off is no fault: a struck ring, without a colour. */
export function OffBadge() {
  return (
    <span className="inline-flex items-center gap-2 align-middle text-muted" data-state="off"
      title="Switched off by an administrator">
      <svg className="shrink-0" width="12" height="12" viewBox="0 0 12 12" fill="none"
        stroke="currentColor" strokeWidth="1.500" aria-hidden="true">
        <circle cx="6" cy="6" r="4.500" />
        <path d="M2.800 9.200 9.200 2.800" />
      </svg>
      Off
    </span>
  );
}

export function StateBadge({ state, word, note, colour = STATE_COLOUR[state] }: { state: State; word?: string; note?: string | null; colour?: string }) {
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-2 align-middle" data-state={state}>
      <StateShape state={state} colour={colour} />
      <span className={`${colour} ${state === "up" ? "" : "font-medium"}`}>
        {word ?? STATE_WORD[state]}
      </span>
      {note && <span className="clip text-muted phone:whitespace-normal! phone:wrap-anywhere" title={note}>{note}</span>}
    </span>
  );
}
