import { clockTime, sinceTime } from "../../lib/format";
import { useLink } from "../../lib/live-app";
import type { LinkStatus } from "../../lib/live-link";
import { Icon } from "../../ui/icon";
import { waitWords } from "../offline/queue";
import { useQueue } from "../offline/queue-store";

export function offlineWords(heardAt: number, nowMs: number): string {
  const isToday = new Date(heardAt).toDateString() === new Date(nowMs).toDateString();
  const since = isToday ? clockTime(heardAt, false) : sinceTime(new Date(heardAt).toISOString(), nowMs);
  return `Offline since ${since} · what you see is from then`;
}

/** Empty while the stream lives. */
function wordsOf({ phase, heardAt }: LinkStatus): string {
  return phase === "offline" ? offlineWords(heardAt, Date.now()) : "";
}

/** Above every page while nobody answers, or while something waits to be sent. */
export function OfflineBar() {
  const since = useLink(wordsOf);
  const count = useQueue().length;
  if (!since && count === 0) return null;
  const words = [since, count > 0 && waitWords(count)].filter(Boolean).join(" · ");
  return (
    <p role="status" data-offline-bar={since ? "offline" : "waiting"}
      className="flex shrink-0 items-center gap-2 border-b border-line bg-degraded-soft px-4 py-1 text-xs phone:px-3 phone:py-1.5">
      <span className="text-degraded"><Icon name="warn" size={14} /></span>{words}
    </p>
  );
}
