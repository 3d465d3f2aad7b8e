import { integer } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import type { State } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import type { Counts } from "./rollup";

const FILL: Readonly<Record<State, string>> = { up: "bg-up", degraded: "bg-degraded", down: "bg-down", unknown: "bg-unknown/60" };

const found = (counts: Counts) => STATES.filter((state) => counts[state] > 0);

/** «3 down, 12 up», the worst first. */
export function countWords(counts: Counts): string {
  return found(counts).map((state) => `${integer(counts[state])} ${STATE_WORD[state].toLowerCase()}`).join(", ");
}

/** How much of the whole is so: the words for it stand beside, or on a closer look. */
export function StateBar({ counts, className = "h-1.5" }: { counts: Counts; className?: string }) {
  const words = countWords(counts) || "no devices";
  return (
    <div role="img" aria-label={words} title={words} className={`flex min-w-12 flex-1 gap-px overflow-hidden rounded-full bg-line ${className}`}>
      {found(counts).map((state) => <span key={state} className={`min-w-1 ${FILL[state]}`} style={{ flexGrow: counts[state] }} />)}
    </div>
  );
}

/** The counts that are not zero, by shape, number and, where there is room, word. */
export function StateCounts({ counts, words = false }: { counts: Counts; words?: boolean }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-0.5">
      {found(counts).map((state) => (
        <span key={state} className="inline-flex items-center gap-1.5" data-count-of={state} title={STATE_WORD[state]}>
          <StateShape state={state} size={10} />
          <span className="font-medium">{integer(counts[state])}</span>
          <span className={words ? "text-muted" : "sr-only"}>{STATE_WORD[state].toLowerCase()}</span>
        </span>
      ))}
    </span>
  );
}
