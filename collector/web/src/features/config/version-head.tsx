import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { bytes, dateTime, integer } from "../../lib/format";
import { useMayIn } from "../../lib/role";
import { Icon } from "../../ui/icon";
import { RawDownload } from "./raw-download";
import type { VersionText } from "./types";
import type { Steps } from "./version-steps";
import { platformWord, reasonWord } from "./words";

const ACTION = "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:h-11";

interface Props {
  version: VersionText;
  /** When it was seen last. */
  lastAt: string;
  steps: Steps;
}

/** Whose version it is and of when, the ones before and after it, and on a click all that is known of it. */
export function VersionHead({ version, lastAt: last, steps }: Props) {
  const { id, device, tenant, site, platform, facts, first_at: first, lines, raw_bytes: size } = version;
  const { admin } = useMayIn()(tenant.id);
  const [open, setOpen] = useState(false);
  const seen = last === first ? "once" : `until ${dateTime(last)}`;
  const short = [platformWord(platform), version.reason && `fetched ${reasonWord(version)}`, `${integer(lines)} lines`].filter(Boolean).join(" · ");
  return (
    <header className="px-4 pt-3 pb-1 phone:px-3 phone:pt-1">
      <nav aria-label="Breadcrumb" className="mb-0.5 text-xs text-muted phone:hidden">
        <Link to="/config" className="hover:text-text hover:underline">Config</Link>{" / "}{tenant.name} / {site.name}
      </nav>
      <div className="flex flex-wrap items-center gap-x-3 phone:gap-x-1">
        <Link to="/devices/$id" params={{ id: device.id }} search={{ tab: "config" }} aria-label={`All versions of ${device.name}`} title={`All versions of ${device.name} (Esc)`}
          className="-ml-2 inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover phone:size-11"><Icon name="back" /></Link>
        <h1 className="clip min-w-0 text-xl font-semibold phone:flex-1" title={device.name}>{device.name}</h1>
        <span className="flex-1 phone:hidden" />
        <a className={`${ACTION} phone:w-11 phone:px-0!`} href={`/api/v1/configs/${id}/text`} download title="Download, without secrets">
          <Icon name="download" /><span className="phone:sr-only">Download</span>
        </a>
        {admin && <span className="contents phone:hidden"><RawDownload version={version} className={ACTION} /></span>}
      </div>
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 phone:-mx-2 phone:gap-x-0">
        <span className="-ml-2 inline-flex items-center phone:ml-0">
          <Step to={steps.older} word="The version before" />
          <time dateTime={first} className="font-medium" data-version-at>{dateTime(first)}</time>
          <Step to={steps.newer} word="The version after" isForward />
        </span>
        <button type="button" aria-expanded={open} aria-controls="version-facts" onClick={() => setOpen(!open)} data-version-more
          className="inline-flex min-h-8 min-w-0 items-center gap-1 rounded-md text-muted hover:text-text phone:ml-auto phone:min-h-11 phone:px-2">
          <span className="clip phone:hidden">{short}</span><span className="desk:sr-only">Details</span>
          <span className={open ? "rotate-180" : ""}><Icon name="chevron" size={14} /></span>
        </button>
      </div>
      {open && (
        <div id="version-facts" className="flex flex-col gap-2 pb-2">
          <dl className="flex flex-wrap gap-x-6 gap-y-1">
            <Fact name="Tenant, site">{tenant.name}, {site.name}</Fact>
            <Fact name="Platform">{platformWord(platform)}</Fact>
            {version.reason && <Fact name="Fetched">{reasonWord(version)}</Fact>}
            <Fact name="Seen">{seen}</Fact>
            <Fact name="Size">{integer(lines)} lines, {bytes(size)}</Fact>
          </dl>
          {facts.length > 0 && (
            <ul aria-label="What the device says of itself" className="font-mono text-xs text-muted">
              {facts.map((fact) => <li key={fact} className="wrap-anywhere select-all">{fact}</li>)}
            </ul>
          )}
          {admin && <span className="desk:hidden"><RawDownload version={version} className={ACTION} /></span>}
        </div>
      )}
    </header>
  );
}

function Step({ to, word, isForward = false }: { to: string | null; word: string; isForward?: boolean }) {
  const look = `inline-flex size-8 items-center justify-center rounded-md phone:size-11 ${isForward ? "rotate-180" : ""}`;
  if (!to) return <span aria-hidden="true" className={`${look} text-faint opacity-50`}><Icon name="back" size={14} /></span>;
  return (
    <Link to="/config/$id" params={{ id: to }} search={({ as, view }) => ({ as, view })} aria-label={word} title={word} data-step={isForward ? "newer" : "older"}
      className={`${look} text-muted hover:bg-hover hover:text-text`}><Icon name="back" size={14} /></Link>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div className="flex gap-2"><dt className="text-muted">{name}</dt><dd>{children}</dd></div>;
}
