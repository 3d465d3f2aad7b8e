import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useCallback } from "react";
import { isNotHere } from "../../lib/api";
import { dateTime } from "../../lib/format";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { useTitle } from "../../lib/use-title";
import { ErrorNote } from "../../ui/error-note";
import { Skeleton } from "../../ui/skeleton";
import { NotFound } from "../shell/lost";
import { ChangesPart } from "./changes-part";
import { useDiff, useVersion, useVersions } from "./queries";
import type { VersionText } from "./types";
import { VersionHead } from "./version-head";
import { stepsOf } from "./version-steps";
import { ViewTabs } from "./view-tabs";

const WholeText = lazy(() => import("./whole-text").then((m) => ({ default: m.WholeText })));

const route = getRouteApi("/_app/config/$id");

export type VersionSearch = ReturnType<typeof route.useSearch>;

/** One version of a configuration: what changed with it, and the whole of it. */
export function VersionPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useVersion(id);
  if (isNotHere(error)) return <NotFound />;
  if (error && !data) return <ErrorNote error={error} className="m-4" onRetry={() => void refetch()} />;
  if (!data) return <Skeleton label="Loading the version" />;
  return <Opened version={data} />;
}

function Opened({ version }: { version: VersionText }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const phone = usePhone();
  const others = useVersions(version.device.id);
  // The list is asked for again; the version itself is kept for ever.
  const lastAt = others.rows.find(({ id }) => id === version.id)?.last_at ?? version.last_at;
  const diff = useDiff(version.id, search.with);
  const before = diff.data?.from ?? null;
  // The first version has nothing to be compared with: all of it is new.
  const isFirst = diff.data !== undefined && before === null;
  const isText = search.view === "text" || isFirst;
  const change = useCallback((patch: Partial<VersionSearch>) => {
    void navigate({ search: (old) => ({ ...old, ...patch }), replace: true, resetScroll: false });
  }, [navigate]);
  useCommands({ "go.back": () => void navigate({ to: "/devices/$id", params: { id: version.device.id }, search: { tab: "config" } }) });
  useTitle(`${version.device.name}, ${dateTime(version.first_at)}`, true);
  return (
    <div className="flex min-h-full flex-col">
      <VersionHead version={version} lastAt={lastAt} steps={stepsOf(version.id, others.rows, search.with ? null : (before?.id ?? null))} />
      <ViewTabs isText={isText} isFirst={isFirst} onText={(on) => change(on ? { view: "text" } : { view: undefined, line: undefined, find: undefined })} />
      {isText ? (
        <Suspense fallback={<Skeleton label="Loading the text" />}>
          <WholeText version={version} line={search.line ?? null} find={search.find ?? ""} onFind={(find) => change({ find: find || undefined })} />
        </Suspense>
      ) : (
        <ChangesPart version={version} before={before} diff={diff} others={others} isSplit={!phone && search.as !== "unified"} canSplit={!phone}
          onSplit={(split) => change({ as: split ? undefined : "unified" })} onWith={(id) => change({ with: id })} />
      )}
    </div>
  );
}
