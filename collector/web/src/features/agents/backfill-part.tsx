import { serverNow } from "../../lib/clock";
import { bytes, sinceTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { isBackfilling, shownAgent } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { type Progress, progressOf } from "./backfill";

/** Whether all it measured is here; and while it is not, how far that is. */
export function BackfillPart({ agent }: { agent: Agent }) {
  const { buffer } = agent;
  const how = useEachSecond(() => {
    const now = serverNow();
    const state = shownAgent(agent, now);
    if (state !== "up" && state !== "degraded") return "away";
    return isBackfilling(agent, now) ? "behind" : "well";
  });
  const told = useEachSecond(() => JSON.stringify(progressOf(agent, serverNow())));
  if (agent.revoked_at || !agent.last_seen_at) return null;
  if (how === "well") {
    return <p className="flex items-center gap-2 text-muted" data-backfill="done"><StateShape state="up" size={9} /> It keeps up: nothing waits on its disk.</p>;
  }
  if (how === "away") {
    return <p className="text-muted" data-backfill="away">It is not connected. While it runs it keeps what it measures on its own disk, and sends it when it is back.</p>;
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
