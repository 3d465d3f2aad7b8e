import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { bytes, dateTime, integer } from "../../lib/format";
import { useMayIn } from "../../lib/role";
import { Icon } from "../../ui/icon";
import { RawDownload } from "./raw-download";
import type { VersionText } from "./types";
import { platformWord, reasonWord } from "./words";

const ACTION = "inline-flex h-8 items-center gap-1.5 rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:h-11";

/** Whose version it is, since when, and why it is here. `lastAt`: when it was seen last. */
export function VersionHead({ version, lastAt: last }: { version: VersionText; lastAt: string }) {
  const { id, device, tenant, site, platform, facts, first_at: first, lines, raw_bytes: size } = version;
  const { admin } = useMayIn()(tenant.id);
  return (
    <header className="px-4 pt-3 pb-2 phone:px-3">
      <nav aria-label="Breadcrumb" className="text-xs text-muted">
        <Link to="/config" className="touch hover:text-text hover:underline">Configurations</Link>
        {" / "}{tenant.name} / {site.name}
      </nav>
      <div className="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="min-w-0 text-xl font-semibold wrap-anywhere">
          <Link to="/devices/$id" params={{ id: device.id }} search={{ tab: "config" }} className="hover:underline">{device.name}</Link>
        </h1>
        <span className="text-muted">as of <time dateTime={first}>{dateTime(first)}</time></span>
        <span className="flex-1" />
        <a className={ACTION} href={`/api/v1/configs/${id}/text`} download title="Without secrets">Download</a>
        {admin && <RawDownload version={version} className={ACTION} />}
      </div>
      <dl className="mt-2 flex flex-wrap gap-x-6 gap-y-1">
        <Fact name="Platform">{platformWord(platform)}</Fact>
        {version.reason && <Fact name="Fetched">{reasonWord(version)}</Fact>}
        <Fact name="Seen">{last === first ? "once" : `until ${dateTime(last)}`}</Fact>
        <Fact name="Size">{integer(lines)} lines, {bytes(size)}</Fact>
      </dl>
      {facts.length > 0 && (
        <details className="group mt-1">
          <summary className="inline-flex cursor-pointer items-center gap-1 text-muted hover:text-text phone:min-h-11">
            <span className="-rotate-90 group-open:rotate-0"><Icon name="chevron" size={12} /></span> What the device says of itself
          </summary>
          <ul className="mt-1 font-mono text-xs text-muted">{facts.map((fact) => <li key={fact} className="wrap-anywhere select-all">{fact}</li>)}</ul>
        </details>
      )}
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div className="flex gap-2"><dt className="text-muted">{name}</dt><dd>{children}</dd></div>;
}
