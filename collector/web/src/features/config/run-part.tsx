import { useId } from "react";
import { Link } from "@tanstack/react-router";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { useRun, useTakeBack } from "./queries";
import { JobBadge } from "./standing-badge";
import type { Backup, Job } from "./types";
import { causeAdvice, isOpen, reasonWord } from "./words";

/** Asks for the configuration now. Without a login nothing can come of it; an agent that is away gets it when it is back. */
export function RunButton({ device, backup, offline }: { device: string; backup: Backup; offline: string | null }) {
  const run = useRun(device);
  const id = useId();
  const hasLogin = backup.login !== null;
  const open = isOpen(backup.job);
  // It comes to nothing until the key is pinned, or the pinned one is shown again: who has put it right tries it.
  const isOtherKey = Boolean(backup.other_key);
  const why = isOtherKey ? "It fails for as long as the device shows another host key than the pinned one." : !hasLogin ? "It has no login by SSH." : offline ? `${offline} It is fetched when the agent is back.` : null;
  return (
    <>
      <Button look={isOtherKey ? "plain" : "solid"} disabled={!hasLogin || run.isPending || open} aria-describedby={why ? id : undefined} title={why ?? undefined}
        onClick={() => run.mutate()} data-run>
        {backup.job?.state === "running" ? "Fetching…" : open || run.isPending ? "Queued" : isOtherKey ? "Try again" : "Fetch now"}
      </Button>
      {why && <span id={id} className="sr-only">{why}</span>}
      {run.error && <ErrorNote error={run.error} className="basis-full" onRetry={() => run.mutate()} />}
    </>
  );
}

/** The job that is open, or the last one: not where it failed of the key that stands beside it. */
export function LastJob({ backup: { job, failing, other_key: otherKey }, canWrite = false }: {
  backup: Pick<Backup, "job" | "failing"> & Partial<Pick<Backup, "other_key">>; canWrite?: boolean;
}) {
  if (!job || (otherKey && job.state === "failed" && job.cause === "host_key")) return null;
  // That of a failure that goes on stands above already.
  const advice = job.state === "failed" && job.cause && !failing ? causeAdvice(job.cause, job.advice) : null;
  const share = job.state === "running" && job.bytes ? Math.min(100, Math.round((100 * (job.kept_bytes ?? 0)) / job.bytes)) : null;
  return (
    <div role="status" data-last-job={job.state} className="mt-3 flex flex-col gap-1 border-t border-line pt-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <JobBadge job={job} />
        <span className="text-xs text-muted">{reasonWord(job)}, <Age at={job.ended_at ?? job.started_at ?? job.created_at} long /></span>
        {job.state === "done" && job.changed && job.version && (
          <Link to="/config/$id" params={{ id: job.version }} className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">See what changed</Link>
        )}
        {canWrite && job.state === "queued" && <TakeBack job={job} />}
      </div>
      {share !== null && (
        <div role="progressbar" aria-label="Sent by the agent" aria-valuenow={share} aria-valuemin={0} aria-valuemax={100} className="h-1.5 overflow-hidden rounded-full bg-line">
          <div className="h-full bg-accent" style={{ width: `${share}%` }} />
        </div>
      )}
      {advice && <p className="text-muted">{advice}</p>}
    </div>
  );
}

function TakeBack({ job }: { job: Pick<Job, "id" | "device"> }) {
  const takeBack = useTakeBack();
  return (
    <>
      <Button look="quiet" className="h-6! px-1.5! text-accent! phone:h-11!" disabled={takeBack.isPending} onClick={() => takeBack.mutate(job)}>Take back</Button>
      {takeBack.error && <ErrorNote error={takeBack.error} className="basis-full" />}
    </>
  );
}
