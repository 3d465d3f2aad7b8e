import { dateTime } from "../../lib/format";
import type { State } from "../../lib/types";
import { Age } from "../../ui/age";
import { StateShape } from "../../ui/state-badge";
import type { Mirror } from "./types";

const SHOWN: Readonly<Record<Mirror["state"], { state: State; word: string; tone: string }>> = {
  ok: { state: "up", word: "up to date", tone: "text-up" },
  waiting: { state: "degraded", word: "waits", tone: "font-medium text-degraded" },
  off: { state: "unknown", word: "off", tone: "text-muted" },
};

/** Off, it is nobody's fault: who can change that, and how. */
const OFF = "Whoever runs this collector switches it on in its file: git_mirror = true under [history].";

/** How the copy of the configurations in Git stands, what it waits for, and how new it is. */
export function MirrorState({ mirror: { state, detail, last_commit_at: last } }: { mirror: Mirror }) {
  const shown = SHOWN[state];
  const note = detail ?? (state === "off" ? OFF : null);
  return (
    <div role="status" className="mt-6 flex flex-col gap-1 rounded-md border border-line bg-surface px-3 py-2" data-mirror={state}>
      <p className="flex flex-wrap items-center gap-x-2">
        <StateShape state={shown.state} />
        <span>Git mirror: <span className={shown.tone}>{shown.word}</span></span>
        {state !== "off" && (
          <span className="text-muted" title={last ? dateTime(last) : undefined}>{last ? <>last commit <Age at={last} long /></> : "no commit yet"}</span>
        )}
      </p>
      {note && <p className="text-muted wrap-anywhere">{note}</p>}
    </div>
  );
}
