import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { serverNow } from "../../lib/clock";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { useBeside } from "../../lib/use-beside";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { useTitle } from "../../lib/use-title";
import { ErrorNote } from "../../ui/error-note";
import { FilterChip } from "../../ui/chip";
import { FilterInput } from "../../ui/filter-input";
import { HeldSign } from "../../ui/held-sign";
import type { GridRows } from "../../ui/live-grid";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { Toggle } from "../../ui/toggle";
import { useSelection } from "../../lib/use-selection";
import { SavedViews } from "../views/saved-views";
import { TableError } from "../shell/table-error";
import { undoOf } from "./acts";
import { MarkedBar } from "./acts-bar";
import { AlertCards } from "./alert-cards";
import { AlertTable } from "./alert-table";
import { InboxEmpty } from "./inbox-empty";
import { SeverityTabs, StandingFilter } from "./inbox-filters";
import { cameFromInbox } from "./came-from";
import { lastInbox, rememberInbox } from "./last-inbox";
import { useActs } from "./use-acts";
import { type Inbox, useInbox } from "./use-inbox";

// Not part of the first load: the rows come first.
const ActDialog = lazy(() => import("./act-dialog").then((m) => ({ default: m.ActDialog })));
const AlertPanel = lazy(() => import("./alert-panel").then((m) => ({ default: m.AlertPanel })));

const RULES_LINK =
  "inline-flex h-8 items-center rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:h-11";

const NO_FILTER = { q: "", severity: undefined, state: undefined, rule: undefined, device: undefined, agent: undefined } as const;

/** Everything that is wrong, of all tenants at once: what needs a person stands first. */
export function InboxPage() {
  const inbox = useInbox();
  const { search, setSearch, ids, past, counts, canAct } = inbox;
  const phone = usePhone();
  const may = useMay();
  const navigate = useNavigate();
  const acts = useActs();
  const beside = useBeside({
    first: lastInbox().chosen, open: search.open, setOpen: (open) => setSearch({ open }),
    toPage: (id) => void navigate({ to: "/alerts/$id", params: { id } }),
  });
  const { chosen, show } = beside;
  const [marking, setMarking] = useState(false);
  const selection = useSelection(useMemo(() => ids.filter((id) => canAct.has(id)), [ids, canAct]));
  const input = useRef<HTMLInputElement>(null);
  const rows = useRef<GridRows>(null);
  const phase = useTableValue(live.alerts, (table) => table.phase);
  // The error stands until a load comes through: it is tried again meanwhile.
  const hasFailed = useTableValue(live.alerts, (table) => table.phase !== "ready" && table.error !== null);
  useEffect(() => {
    live.ensureAlerts();
    // They know their namesakes: a name is told the same on every page.
    live.ensureDevices();
    live.ensureAgents();
  }, []);
  useEffect(() => rememberInbox({ search, chosen }), [search, chosen]);
  useEffect(() => cameFromInbox(), []);
  const { firing } = counts.standing;
  useTitle(`${firing > 0 ? `(${integer(firing)} firing) ` : ""}Alerts`);

  const clear = () => setSearch(NO_FILTER);
  // The one beside the list is in sight even where the filter hides its row.
  const one = chosen && (ids.includes(chosen) || chosen === search.open) ? [chosen] : [];
  const targets = selection.ids.length > 0 ? selection.ids : one;
  const known = () => targets.flatMap((id) => live.alerts.get(id) ?? []);
  const ask = (act: "ack" | "silence") => {
    const alerts = known();
    acts.ask(act, alerts.filter((alert) => alert.phase !== "resolved"), targets.length - alerts.length);
  };
  const undo = () => acts.undo(known());
  const back = () => {
    if (!search.open && selection.ids.length > 0) selection.clear();
    else if (!beside.back()) clear();
  };
  const canSay = may.write && targets.length > 0;
  useCommands({
    "list.filter": () => input.current?.select(),
    "go.back": back,
    "list.open": chosen !== null && (() => show(chosen)),
    "alert.ack": canSay && (() => ask("ack")),
    "alert.silence": canSay && (() => ask("silence")),
    "alert.undo": canSay && undo,
  });

  const isPast = search.state === "resolved";
  const mayMark = may.write && !isPast;
  // Of a list that could not be loaded nothing is said but that.
  const isFailed = isPast ? past.error !== null : phase === "failed" || hasFailed;
  const isLoading = isPast ? past.isLoading : phase !== "ready";

  const marked = selection.ids.length > 0 && (
    <MarkedBar selection={selection} shown={ids.filter((id) => canAct.has(id)).length} acts={acts} onAsk={ask}
      onUndo={undoOf(known(), serverNow()) ? undo : null} />
  );

  return (
    <div className="flex h-full flex-col">
      <PageHead title="Alerts">
        <SeverityTabs inbox={inbox} />
        <span className="flex-1" />
        <Held inbox={inbox} />
        {phone && mayMark && ids.length > 1 && (
          <Toggle className="px-2" title="Tap alerts to act on them together" on={marking} onChange={(on) => {
            setMarking(on);
            selection.clear();
          }}>
            Mark<span className="sr-only"> several</span>
          </Toggle>
        )}
        <SavedViews />
        <Link to="/alerts/rules" className={RULES_LINK}>Rules</Link>
      </PageHead>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pb-2 phone:px-3">
        <div className="contents phone:order-2 phone:block phone:min-w-0 phone:flex-1">
          <FilterInput label="Filter alerts" input={input} query={search.q ?? ""} onQuery={(q) => setSearch({ q })}
            toRows={() => rows.current?.first() ?? false} />
        </div>
        <StandingFilter inbox={inbox} />
        <OfOne inbox={inbox} />
        {/* At a desk the headings of the list do that. */}
        {phone && !isPast && (
          <Toggle className="order-3 px-2" title="The newest first, whatever their severity" on={search.order === "newest"}
            onChange={(on) => setSearch({ order: on ? "newest" : undefined })}>
            Newest<span className="sr-only"> first</span>
          </Toggle>
        )}
      </div>
      <TableError table={live.alerts} className="mx-4 mb-3" />
      {past.error && <ErrorNote error={past.error} className="mx-4 mb-3" onRetry={past.retry} />}
      {!phone && marked}
      <div className="flex min-h-0 flex-1">
        {ids.length === 0 ? (
          <div className="min-w-0 flex-1">
            {isFailed ? null : isLoading ? <Skeleton label="Loading alerts" rows={24} /> : <InboxEmpty inbox={inbox} onClear={clear} />}
          </div>
        ) : phone ? (
          <AlertCards inbox={inbox} selection={marking && mayMark ? selection : null} />
        ) : (
          <AlertTable ref={rows} inbox={inbox} beside={beside} selection={mayMark ? selection : null} />
        )}
        <Suspense>
          {search.open && !phone && <AlertPanel key={search.open} id={search.open} acts={acts} onClose={() => setSearch({ open: undefined })} />}
        </Suspense>
      </div>
      {/* Where the thumb is. */}
      {phone && marked}
      <Suspense>{acts.asked && <ActDialog acts={acts} />}</Suspense>
    </div>
  );
}

/** The one thing that the alerts are of, where a link led here from it. */
function OfOne({ inbox: { search, setSearch, named } }: { inbox: Inbox }) {
  const kind = search.rule ? "rule" : search.device ? "device" : search.agent ? "agent" : null;
  if (!kind) return null;
  return (
    <span className="phone:order-4" data-of-one={kind}>
      <FilterChip label="Show the alerts of everything" onRemove={() => setSearch({ rule: undefined, device: undefined, agent: undefined })}>of {named ?? `one ${kind}`}</FilterChip>
    </span>
  );
}

/** What the list holds back while the pointer is over it, and how long it is. */
function Held({ inbox: { isHeld, isNew, ids, total, past, search } }: { inbox: Inbox }) {
  const whole = search.state === "resolved" ? past.total : total;
  return (
    <span className="text-xs whitespace-nowrap text-muted phone:hidden">
      <HeldSign on={isHeld} />
      <span data-alert-count>{whole === null ? "" : `${integer(ids.length)} of ${integer(whole)}`}</span>
      {isHeld && isNew > 0 && `, ${integer(isNew)} more`}
    </span>
  );
}
