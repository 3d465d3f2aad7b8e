import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";
import { standingOf, standingWord } from "./standing";
import type { ConfigRow, Job } from "./types";
import { causeWord, isCalledOff, JOB_WORD, jobNote } from "./words";

/** Backed up, failing and why, or something that a person must look at: colour, shape and word. */
export function StandingBadge({ row }: { row: Pick<ConfigRow, "version" | "failing" | "host_key_changed"> }) {
  const standing = standingOf(row);
  const { word, cause } = standingWord(row);
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-2" data-standing={standing}>
      {standing === "fine" && <StateShape state="up" />}
      {standing === "failing" && <StateShape state="degraded" />}
      {standing === "never" && <StateShape state="unknown" />}
      {standing === "key" && <span className="text-down"><Icon name="key" size={14} /></span>}
      <span className={standing === "key" ? "font-medium text-down" : standing === "failing" ? "font-medium text-degraded" : standing === "fine" ? "text-up" : "text-unknown"}>
        {word}
      </span>
      {cause && <span className="clip text-muted phone:whitespace-normal!" title={cause}>{cause}</span>}
    </span>
  );
}

const SHAPE = { queued: "unknown", done: "up", failed: "down" } as const;

/** How a job stands. */
export function JobBadge({ job }: { job: Pick<Job, "state" | "waits" | "cause" | "changed"> }) {
  const { state, cause } = job;
  const note = jobNote(job);
  const isOff = isCalledOff(job);
  // Nothing came of it, and nothing had to: it is no news.
  const isSame = state === "done" && job.changed === false;
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-2" data-job-state={state}>
      {state === "running"
        ? <span aria-hidden="true" className="size-3 shrink-0 animate-spin rounded-full border-2 border-accent border-t-transparent" />
        : isSame ? <span className="text-muted"><Icon name="check" size={14} /></span>
        : <StateShape state={isOff ? "unknown" : SHAPE[state]} />}
      <span className={isOff ? "text-unknown" : isSame ? "text-muted" : state === "failed" ? "font-medium text-down" : state === "running" ? "text-accent" : state === "done" ? "text-up" : "text-unknown"}>
        {isOff && cause ? causeWord(cause) : JOB_WORD[state]}
      </span>
      {note && <span className="clip text-muted phone:whitespace-normal!" title={note}>{note}</span>}
    </span>
  );
}
