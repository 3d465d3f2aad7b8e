import { serverNow } from "../../lib/clock";
import { duration } from "../../lib/format";
import { useLink } from "../../lib/live-app";
import type { LinkStatus } from "../../lib/live-link";
import { StateShape } from "../../ui/state-badge";

/** A heartbeat comes every 15 s; a little over that is late. */
const LATE_MS = 20_000;

/** `live`, `connecting`, or `delayed|offline SECONDS`: one string, so that it renders on change. */
function read({ phase, heardAt }: LinkStatus): string {
  const silent = Date.now() - heardAt;
  if (phase === "offline") return `offline ${Math.round(silent / 1000)}`;
  if (phase === "connecting") return "connecting";
  return silent > LATE_MS ? `delayed ${Math.round(silent / 1000)}` : "live";
}

/** Written when the pointer comes: it is read then, and would be old otherwise. */
function serverTime(): string {
  return `Server time ${new Date(serverNow()).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Says how fresh the page is. Never silent. */
export function LiveBanner() {
  const [word, seconds] = useLink(read).split(" ");
  const bad = word === "offline" || word === "delayed";
  const state = word === "live" ? "up" : word === "offline" ? "down" : word === "delayed" ? "degraded" : "unknown";
  return (
    <span
      data-live={word}
      onPointerEnter={(event) => (event.currentTarget.title = serverTime())}
      className={`mr-1 inline-flex h-7 items-center gap-2 rounded-full border px-3 text-xs ${
        bad ? "border-edge bg-degraded-soft" : "border-line"
      }`}
    >
      <StateShape state={state} size={9} />
      <span>
        {word}
        {seconds && ` ${duration(Number(seconds))}`}
      </span>
      <span className="sr-only" role="status">
        {bad ? `Live data ${word}` : ""}
      </span>
    </span>
  );
}
