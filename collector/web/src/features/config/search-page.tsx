import { getRouteApi, Link } from "@tanstack/react-router";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type RefObject, useCallback, useEffect, useRef } from "react";
import { api, ApiError, take } from "../../lib/api";
import { counted, dateTime, integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { narrowed, type Scope, useScope } from "../../lib/scope";
import { useCommands } from "../../lib/use-commands";
import { useSettled } from "../../lib/use-settled";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { Dotted } from "../../ui/dotted";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { FilterInput } from "../../ui/filter-input";
import { Skeleton } from "../../ui/skeleton";
import { Toggle } from "../../ui/toggle";
import { ConfigFrame } from "./config-frame";
import { MatchLines } from "./match-lines";
import { KEYS } from "./queries";
import { SkippedNote } from "./skipped-note";

const route = getRouteApi("/_app/config/search");
const ROWS = 50;
/** Devices of a page that are worth stopping for. */
const ENOUGH = 10;

interface Search {
  q?: string | undefined;
  regex?: true | undefined;
  case?: true | undefined;
}

/** A page of the search may be short or empty, and not the last: it looks on until there is enough to read. */
function useFound(search: Search, scope: Scope) {
  const { q = "", regex, case: cased } = search;
  const query = useInfiniteQuery({
    queryKey: [...KEYS.all, "search", scope.tenant?.id ?? "", q, regex, cased],
    enabled: q.trim() !== "",
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor }) => take(api.GET("/api/v1/configs/search", { params: { query: {
      ...narrowed(scope), q, ...(regex ? { regex } : {}), ...(cased ? { case: cased } : {}), ...(cursor ? { cursor } : {}), limit: ROWS,
    } } })),
    getNextPageParam: ({ meta }) => meta.next_cursor ?? undefined,
  });
  const pages = query.data?.pages ?? [];
  const rows = pages.flatMap(({ data }) => data);
  const { hasNextPage, isFetchingNextPage, error, fetchNextPage } = query;
  const isShort = hasNextPage && rows.length < ENOUGH * pages.length;
  useEffect(() => {
    if (isShort && !isFetchingNextPage && !error) void fetchNextPage();
  }, [isShort, isFetchingNextPage, error, fetchNextPage]);
  return {
    rows, error,
    scanned: pages.reduce((sum, { meta }) => sum + meta.scanned, 0),
    skipped: pages.flatMap(({ meta }) => meta.skipped),
    isLooking: query.isFetching,
    more: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : null,
    retry: () => void (query.data ? fetchNextPage() : query.refetch()),
  };
}

/** What stands in the latest configurations of all devices. */
export function SearchPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = useScope();
  const settled = useSettled(search);
  const list = useFound(settled, scope);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => live.ensureDevices(), []);
  useEffect(() => input.current?.focus(), []);
  const change = useCallback((patch: Search) => {
    void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  }, [navigate]);
  useTitle("Search in Config");
  return (
    <ConfigFrame filters={<Asked search={search} input={input} onChange={change} />}>
      <Results list={list} search={settled} />
    </ConfigFrame>
  );
}

function Asked({ search, input, onChange }: { search: Search; input: RefObject<HTMLInputElement | null>; onChange: (patch: Search) => void }) {
  useCommands({ "list.filter": () => input.current?.select() });
  return (
    <search className="flex min-w-0 flex-wrap items-center gap-2 phone:order-2 phone:w-full">
      <FilterInput label="Search in all configurations" input={input} query={search.q ?? ""} onQuery={(q) => onChange({ q: q || undefined })} toRows={() => false} />
      <Toggle className="phone:order-3" on={search.case === true} onChange={(on) => onChange({ case: on || undefined })}>Match case</Toggle>
      <Toggle className="phone:order-3" on={search.regex === true} onChange={(on) => onChange({ regex: on || undefined })}>Regular expression</Toggle>
    </search>
  );
}

function Results({ list, search }: { list: ReturnType<typeof useFound>; search: Search }) {
  const names = useDeviceNames();
  const { rows, scanned, skipped, error, isLooking, more } = list;
  const q = search.q ?? "";
  if (q.trim() === "") {
    return (
      <Empty title="Search in all configurations">
        <p>
          Looks through the latest configuration of every device: a VLAN, an address, a name server, a user. With «Regular
          expression», <code className="font-mono text-xs">^ntp server</code> finds lines that begin so.
        </p>
        <p>Secrets are not kept readable, and so cannot be found.</p>
      </Empty>
    );
  }
  const isWrong = error instanceof ApiError && error.status === 422;
  // What was found before it failed stays, and is searched on from there.
  if (error && rows.length === 0) return <ErrorNote error={error} className="m-4 phone:mx-3" onRetry={isWrong ? undefined : list.retry} />;
  // Between two pages too: what was looked through until now says nothing yet.
  if ((isLooking || more) && rows.length === 0) return <Skeleton label="Searching" />;
  if (scanned === 0 && skipped.length === 0) {
    return (
      <Empty title="No configuration yet">
        <p>There is nothing to look through: none has been fetched of the devices here.</p>
        <Link to="/config" className="self-start text-accent underline underline-offset-4 phone:inline-flex phone:min-h-11 phone:items-center">How they come here</Link>
      </Empty>
    );
  }
  return (
    <div className="flex flex-col gap-3 p-4 phone:p-3">
      <p role="status" className="text-xs text-muted" data-found-count>
        {scanned === 0 ? "No configuration could be looked through." : (
          `${rows.length === 0 ? "Found in no device" : `Found in ${counted(rows.length, "device")}${more || isLooking ? " so far" : ""}`}, ` +
          `${counted(scanned, "configuration")} looked through: the latest of each device, no older ones.`
        )}
      </p>
      <SkippedNote skipped={skipped} />
      {rows.map((row) => {
        const total = row.matches.length + row.more;
        const name = names.name({ name: row.device.name, site: row.site, tenant: row.tenant });
        return (
          <section key={row.device.id} aria-label={name} data-found={row.device.id} className="overflow-hidden rounded-lg border border-line bg-surface">
            <h2 className="flex flex-wrap items-baseline gap-x-3 border-b border-line px-3 py-2">
              <Link to="/devices/$id" params={{ id: row.device.id }} search={{ tab: "config" }} className="font-semibold hover:underline"><Dotted name={name} /></Link>
              <span className="text-xs text-muted">{row.tenant.name} · {row.site.name}</span>
              <span className="text-xs text-muted" title={dateTime(row.last_at)} data-found-at>fetched <Age at={row.last_at} long /></span>
              <span className="ml-auto text-xs text-muted">{counted(total, "line")}</span>
            </h2>
            <MatchLines row={row} />
            {row.more > 0 && (
              <Link to="/config/$id" params={{ id: row.version }} search={{ view: "text", find: search.regex ? undefined : q }}
                className="block border-t border-line px-3 py-2 text-accent hover:underline">
                {integer(row.more)} more in the whole configuration
              </Link>
            )}
          </section>
        );
      })}
      {error && <ErrorNote error={error} />}
      {more && <Button className="self-start" onClick={more}>Search on</Button>}
    </div>
  );
}
