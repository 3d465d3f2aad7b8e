import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { dateTime, integer } from "../../lib/format";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Skeleton } from "../../ui/skeleton";
import { pickTwo } from "./pick-two";
import { useVersions } from "./queries";
import type { Version } from "./types";
import { reasonWord, spokenChange } from "./words";

/** All versions of a device, newest first; any two can be compared. */
export function VersionsPart({ device, isBackedUp }: { device: string; isBackedUp: boolean }) {
  const list = useVersions(device);
  const { rows, phase, error, more } = list;
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [older, newer] = inOrder(picked, rows);
  if (error && rows.length === 0) return <ErrorNote error={error} onRetry={list.retry} />;
  if (phase === "loading") return <Skeleton label="Loading the versions" rows={4} />;
  if (rows.length === 0) {
    return (
      <Empty title="No version yet">
        <p>{isBackedUp
          ? "The first one follows with the first fetch. From then on a version is kept whenever the configuration differs."
          : "Once it is backed up, a version is kept whenever the configuration differs."}</p>
      </Empty>
    );
  }
  return (
    <section aria-label="Versions" className="overflow-hidden rounded-lg border border-line bg-surface">
      <h3 className="flex min-h-10 flex-wrap items-center gap-2 border-b border-line px-3 py-1 font-semibold">
        Versions <span className="text-xs font-normal text-muted">{integer(list.total ?? rows.length)}{list.total === null && more ? "+" : ""}</span>
        <span className="flex-1" />
        {rows.length > 1 && (older && newer ? (
          <Link to="/config/$id" params={{ id: newer }} search={{ with: older }} data-compare
            className="inline-flex h-8 items-center rounded-md bg-solid px-3 font-medium text-on-solid phone:h-11">
            Compare the two
          </Link>
        ) : <span className="text-xs font-normal text-muted">Mark two to compare them</span>)}
      </h3>
      <ol>
        {rows.map((version, i) => (
          <Row key={version.id} version={version} isFirst={i === rows.length - 1 && !more} isLatest={i === 0}
            picked={picked.includes(version.id)} onPick={rows.length > 1 ? () => setPicked(pickTwo(picked, version.id)) : null} />
        ))}
      </ol>
      {error && <ErrorNote error={error} className="m-2" onRetry={list.retry} />}
      {more && <Button look="quiet" className="m-1" disabled={list.isLoadingMore} onClick={more}>{list.isLoadingMore ? "Loading…" : "Show older ones"}</Button>}
    </section>
  );
}

/** The ids in the order of time, the older one first. */
function inOrder(picked: readonly string[], rows: readonly Version[]): readonly string[] {
  const at = (id: string) => rows.findIndex((one) => one.id === id);
  return picked.length === 2 ? picked.toSorted((a, b) => at(b) - at(a)) : [];
}

function Row({ version, isFirst, isLatest, picked, onPick }: {
  version: Version; isFirst: boolean; isLatest: boolean; picked: boolean; onPick: (() => void) | null;
}) {
  const { id, first_at: first, added, removed, lines } = version;
  return (
    <li data-version={id} className={`flex min-h-10 items-center gap-3 border-b border-line px-3 last:border-b-0 hover:bg-hover phone:min-h-14 ${picked ? "bg-selected" : ""}`}>
      {onPick && (
        <label className="inline-flex size-6 shrink-0 items-center justify-center phone:size-11">
          <span className="sr-only">Mark the version of {dateTime(first)}</span>
          <input type="checkbox" className="size-4 accent-accent" checked={picked} onChange={onPick} />
        </label>
      )}
      <Link to="/config/$id" params={{ id }} className="flex min-w-0 flex-1 flex-wrap items-center gap-x-4 py-1.5 hover:underline">
        <span className="font-medium">{dateTime(first)}</span>
        <span className="text-xs text-muted"><Age at={first} long />{version.reason && `, ${reasonWord(version)}`}</span>
      </Link>
      {isLatest && <span className="text-xs text-muted phone:hidden">latest</span>}
      <span className="num shrink-0 text-xs" title={isFirst ? undefined : spokenChange(version)}>
        {isFirst ? <span className="text-muted">{integer(lines)} lines</span> : (
          <>
            <span className="text-up">+{integer(added)}</span> <span className="text-down">−{integer(removed)}</span>
          </>
        )}
      </span>
    </li>
  );
}
