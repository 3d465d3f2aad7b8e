import { serverNow } from "../../lib/clock";
import { bytes, momentTime, sinceTime } from "../../lib/format";
import { toldNow, useEachSecond } from "../../lib/live-app";
import { isBackfilling, OFFLINE_S, shownAgent, silentS } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { hereUpTo, type Progress, progressOf } from "./backfill";

/** `away`, `behind`, `well`, or for how many seconds it is silent. */
export function howOf(agent: Agent, nowMs: number): string {
  const state = shownAgent(agent, nowMs);
  if (state !== "up" && state !== "degraded") return "away";
  const silent = silentS(agent, nowMs);
  return silent !== null ? String(silent) : isBackfilling(agent, nowMs) ? "behind" : "well";
}

/** Whether all it measured is here; and while it is not, how far that is. `hasLost`: below stands what never comes. */
export function BackfillPart({ agent, hasLost }: { agent: Agent; hasLost: boolean }) {
  const { buffer } = agent;
  const how = useEachSecond(() => howOf(agent, toldNow()));
  const told = useEachSecond(() => JSON.stringify(progressOf(agent, toldNow())));
  if (agent.revoked_at || !agent.last_seen_at) return null;
  if (how === "well") {
    return <p className="flex items-center gap-2 text-muted" data-backfill="done"><StateShape state="up" size={9} /> It keeps up: nothing waits on its disk.</p>;
  }
  if (how === "away") {
    const upTo = hereUpTo(agent);
    return (
      <p className="max-w-[620px]" data-backfill="away">
        Not known until it is back. {upTo && `Everything up to about ${momentTime(upTo, serverNow())} is here${hasLost ? " or told below as lost" : ""}. `}
        <span className="text-muted">While it runs it keeps what it measures on its own disk.</span>
      </p>
    );
  }
  if (how !== "behind") {
    return <p className="flex items-center gap-2" data-backfill="silent"><StateShape state="degraded" size={9} /> Silent for {how} s; offline at {OFFLINE_S} s.</p>;
  }
  const progress = JSON.parse(told) as Progress | null;
  return (
    <div className="flex max-w-[620px] flex-col gap-1.5" data-backfill="behind">
      <p className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <span className="font-medium">Sending what it kept{agent.backfill?.oldest_at_start && ` since ${sinceTime(agent.backfill.oldest_at_start, serverNow())}`}</span>
        {progress?.share !== null && progress && <span>{progress.share} %</span>}
        <span className="text-muted">{[progress?.left, buffer && bytes(buffer.bytes), progress?.still].filter(Boolean).join(" · ")}</span>
      </p>
      {progress?.share !== null && progress && (
        <div role="progressbar" aria-label="Of what it kept, sent" aria-valuenow={progress.share} aria-valuemin={0} aria-valuemax={100} className="h-1.5 overflow-hidden rounded-full bg-line">
          <div className="h-full rounded-full bg-accent" style={{ width: `${progress.share}%` }} />
        </div>
      )}
      <p className="text-xs text-muted">What is now comes first; this fills the charts behind it and raises no alarm.</p>
    </div>
  );
}
