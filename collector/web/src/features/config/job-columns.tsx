import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { dateTime, duration, NONE } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import type { Names } from "../../lib/names";
import { Age } from "../../ui/age";
import type { Column } from "../../ui/data-table";
import { Dotted } from "../../ui/dotted";
import { JobBadge } from "./standing-badge";
import type { Job } from "./types";
import { causeAdvice, isOpen, JOB_WORD, starterWord } from "./words";

const seconds = (from: string | null, to: string | null) => (from && to ? (Date.parse(to) - Date.parse(from)) / 1000 : null);

/** How long it took; a queued one has not begun. */
function Took({ job: { started_at: from, ended_at: to } }: { job: Job }) {
  const now = useEachSecond(() => (from && !to ? duration((serverNow() - Date.parse(from)) / 1000) : null));
  if (now !== null) return <time dateTime={from ?? undefined}>{now}</time>;
  const took = seconds(from, to);
  return <>{took === null ? NONE : took < 1 ? "<1 s" : duration(took)}</>;
}

function Outcome({ job }: { job: Job }) {
  const { version, changed } = job;
  if (!version || !changed) return <JobBadge job={job} />;
  return (
    <span className="inline-flex max-w-full min-w-0 flex-wrap items-center gap-2">
      <JobBadge job={{ ...job, changed: null }} />
      <Link to="/config/$id" params={{ id: version }} className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">a new version</Link>
    </span>
  );
}

/** `names`: of devices, on a page of many; null on the page of one. */
export function jobColumns(names: Names | null, isMixed: boolean): readonly Column<Job>[] {
  const called = ({ device, site, tenant }: Job) => names?.name({ name: device.name, site, tenant }) ?? device.name;
  const device: readonly Column<Job>[] = names ? [
    { by: "device", label: "Device", title: true, read: called, cell: (job) => (
      <Link to="/devices/$id" params={{ id: job.device.id }} search={{ tab: "config" }} className="hover:underline phone:inline-flex phone:min-h-11 phone:items-center">
        <Dotted name={called(job)} />
      </Link>
    ) },
    ...(isMixed ? [{ by: "tenant", label: "Tenant", className: "text-muted", read: (job: Job) => job.tenant.name, cell: (job: Job) => job.tenant.name }] : []),
    { by: "site", label: "Site", className: "text-muted", read: (job) => job.site.name, cell: (job) => job.site.name },
  ] : [];
  return [
    ...device,
    { by: "state", label: "State", className: "phone:col-span-2", title: !names, read: (job) => JOB_WORD[job.state], cell: (job) => <Outcome job={job} /> },
    { by: "created", label: "Asked for", read: (job) => Date.parse(job.created_at), cell: (job) => <Age at={job.created_at} long /> },
    { by: "who", label: "Started by", className: "text-muted phone:col-span-2", read: starterWord, cell: starterWord },
    { by: "took", label: "Took", figure: true, note: "From its beginning to its end", read: (job) => seconds(job.started_at, job.ended_at), cell: (job) => <Took job={job} /> },
  ];
}

/** More of a job, below its row. */
export function JobDetail({ job }: { job: Job }) {
  const advice = job.cause && causeAdvice(job.cause, job.advice);
  const facts = [
    ["Job", job.id], ["Agent", job.agent.name], ["Asked for", dateTime(job.created_at)],
    ["Began", dateTime(job.started_at)], ["Ended", dateTime(job.ended_at)],
    ["Sent", isOpen(job) && job.bytes ? `${Math.round((100 * (job.kept_bytes ?? 0)) / job.bytes)} %` : null],
  ] as const;
  return (
    <div className="flex flex-col gap-2">
      {advice && <p>{advice}</p>}
      <dl className="flex flex-wrap gap-x-6 gap-y-1 text-xs">
        {facts.map(([name, value]) => value && value !== NONE && (
          <div key={name} className="flex gap-2"><dt className="text-muted">{name}</dt><dd className="select-all">{value}</dd></div>
        ))}
      </dl>
    </div>
  );
}
