import { serverNow } from "../../lib/clock";
import { duration } from "../../lib/format";
import { live, useEachSecond, useLink } from "../../lib/live-app";
import type { LinkStatus } from "../../lib/live-link";
import { isOldBuild } from "../../lib/worker";
import { Button } from "../../ui/button";
import { StateShape } from "../../ui/state-badge";

/** A heartbeat comes every 15 s; a little over that is late, and so is a first word. */
const LATE_MS = 20_000;

/** `live`, `connecting`, or `delayed|offline SECONDS`: one string, so that it renders on change. */
function read({ phase, heardAt }: LinkStatus): string {
  const silent = Date.now() - heardAt;
  if (phase === "offline") return `offline ${Math.round(silent / 1000)}`;
  if (phase === "connecting" && silent <= LATE_MS) return "connecting";
  return silent > LATE_MS ? `delayed ${Math.round(silent / 1000)}` : "live";
}

/** Offers the page of a collector that was upgraded meanwhile. */
export function NewVersion() {
  const isOutdated = useEachSecond(() => live.isOutdated || isOldBuild());
  if (!isOutdated) return null;
  return (
    <Button look="solid" className="mr-2" onClick={() => location.reload()}>
      New version: reload
    </Button>
  );
}

/** How long ago the newest change was committed, and what time the server has. */
export function lastChange(committedAt: number | null, nowMs: number): string {
  const time = `Server time ${new Date(nowMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if (committedAt === null) return time;
  return `Last change ${duration(Math.max(0, nowMs - committedAt) / 1000)} ago · ${time}`;
}

/** Says how fresh the page is. Never silent. */
export function LiveBanner() {
  const [word, seconds] = useLink(read).split(" ");
  const title = useEachSecond(() => lastChange(live.committedAt, serverNow()));
  const bad = word === "offline" || word === "delayed";
  const state = word === "live" ? "up" : word === "offline" ? "down" : word === "delayed" ? "degraded" : "unknown";
  return (
    <span
      data-live={word}
      title={title}
      className={`mr-1 inline-flex h-7 shrink-0 items-center gap-2 rounded-full border px-3 text-xs whitespace-nowrap phone:mr-0 phone:px-2 ${
        bad ? "border-edge bg-degraded-soft" : "border-line"
      }`}
    >
      <StateShape state={state} size={9} />
      {/* On the phone the sign is enough while all is well, and a bar below tells of what is not. */}
      <span className={word === "delayed" ? "" : "phone:sr-only"}>{word}{seconds && ` ${duration(Number(seconds))}`}</span>
      <span className="sr-only" role="status">
        {bad ? `Live data ${word}` : ""}
      </span>
    </span>
  );
}
