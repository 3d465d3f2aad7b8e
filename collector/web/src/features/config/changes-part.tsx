import { lazy, Suspense, useMemo, useState } from "react";
import { counted, dateTime, integer } from "../../lib/format";
import type { Pages } from "../../lib/use-pages";
import { ErrorNote } from "../../ui/error-note";
import { Picker } from "../../ui/picker";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/tag";
import { Toggle } from "../../ui/toggle";
import { changedLines, secretsChanged } from "./marks";
import { useDiff, useVersion } from "./queries";
import type { Version, VersionText } from "./types";
import { changeWords, spokenChange } from "./words";

const DiffView = lazy(() => import("./diff-view").then((m) => ({ default: m.DiffView })));

interface Props {
  version: VersionText;
  /** What it is compared with; null until that is known. */
  before: Version | null;
  diff: ReturnType<typeof useDiff>;
  others: Pages<Version>;
  isSplit: boolean;
  canSplit: boolean;
  onSplit: (split: boolean) => void;
  onWith: (id: string) => void;
}

/** In place of an id: there are more to choose from. */
const OLDER = "older";

function choicesOf(others: readonly Version[], id: string, before: Version | null) {
  const rows = before && !others.some((one) => one.id === before.id) ? [...others, before] : others;
  return rows.filter((one) => one.id !== id).map((one) => ({ value: one.id, label: dateTime(one.first_at), note: changeWords(one) }));
}

/** What is different from another version of the same device. */
export function ChangesPart({ version, before, diff, others, isSplit, canSplit, onSplit, onWith }: Props) {
  const [folded, setFolded] = useState(true);
  const old = useVersion(before?.id ?? null);
  const change = diff.data;
  const secrets = useMemo(() => {
    const lines = changedLines(change?.unified ?? "");
    return secretsChanged(lines.before, lines.after);
  }, [change]);
  const error = diff.error ?? old.error;
  if (error) return <ErrorNote error={error} className="m-4 phone:mx-3" onRetry={() => void (diff.error ? diff.refetch() : old.refetch())} />;
  const isSame = change !== undefined && change.added === 0 && change.removed === 0;
  return (
    <>
      <div className="sticky top-0 z-10 flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line bg-bg px-4 py-2 phone:gap-y-1 phone:px-3 phone:py-1">
        <span className="inline-flex min-w-0 items-center gap-2 phone:flex-1">
          <span className="shrink-0 text-muted phone:sr-only">Compared with</span>
          <Picker label="Compared with" className="desk:w-56!" value={before?.id ?? ""} placeholder="the one before"
            onChange={(id) => (id === OLDER ? others.more?.() : onWith(id))}
            choices={[...choicesOf(others.rows, version.id, before), ...(others.more ? [{ value: OLDER, label: "Show older ones" }] : [])]} />
        </span>
        <span className="inline-flex items-center gap-3 phone:order-last phone:basis-full">
          {change && (
            <span className="inline-flex gap-2 font-medium tabular-nums" title={spokenChange(change)} data-diff-count>
              <span className="text-up" aria-hidden="true">+{integer(change.added)}</span>
              <span className="text-down" aria-hidden="true">−{integer(change.removed)}</span>
              <span className="sr-only">{spokenChange(change)}</span>
            </span>
          )}
          {secrets > 0 && (
            <Tag tone="warn" title="Another fingerprint stands in place of it: the secret itself is kept nowhere that you could read it">
              {secrets === 1 ? "secret changed" : `${counted(secrets, "secret")} changed`}
            </Tag>
          )}
        </span>
        <span className="flex-1 phone:hidden" />
        <Toggle on={!folded} onChange={(on) => setFolded(!on)}>All lines</Toggle>
        {canSplit && <Toggle on={isSplit} onChange={onSplit}>Side by side</Toggle>}
      </div>
      {isSame && <p className="px-4 py-6 text-muted phone:px-3">Both are the same.</p>}
      {before && old.data && !isSame ? (
        <Suspense fallback={<Skeleton label="Comparing" />}>
          {isSplit && (
            <div aria-hidden="true" className="grid grid-cols-2 border-b border-line text-xs text-muted">
              <span className="px-4 py-1">{dateTime(before.first_at)}</span>
              <span className="px-4 py-1">{dateTime(version.first_at)}</span>
            </div>
          )}
          <DiffView before={old.data.text} after={version.text} split={isSplit} folded={folded}
            labels={[`Version of ${dateTime(before.first_at)}`, `Version of ${dateTime(version.first_at)}`]} />
        </Suspense>
      ) : !isSame && <Skeleton label="Loading what changed" />}
    </>
  );
}
