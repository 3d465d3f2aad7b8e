import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { useAlert } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { type GridRow, ROW_LINK, rowProps, stay } from "../../ui/grid-row";
import { ariaSort, SortButton } from "../../ui/sort-button";
import { QueuedBadge } from "../offline/queued-badge";
import { useQueued } from "../offline/queue-store";
import { SeverityBadge, StandingBadge } from "./badges";
import { type Order, severityOf, sinceOf, summaryOf } from "./standing";
import { untold, useCalled } from "./subject";
import { useStanding } from "./use-standing";

/** The table is as wide as its place: beside an open alert it has fewer columns. */
const NARROW = " @max-[860px]:grid-cols-[106px_minmax(130px,1.3fr)_minmax(170px,3.1fr)_70px]" +
  " @max-[540px]:grid-cols-[106px_minmax(0,1fr)_minmax(0,1.6fr)_64px] @max-[540px]:gap-x-2.5";
const COLUMNS = "grid items-center gap-x-3.5 px-4 " +
  "grid-cols-[104px_minmax(150px,1.5fr)_minmax(230px,3.6fr)_minmax(90px,1.2fr)_minmax(70px,0.8fr)_70px]" +
  " @max-[1100px]:grid-cols-[104px_minmax(140px,1.4fr)_minmax(230px,3fr)_minmax(70px,0.8fr)_70px]" + NARROW;
const COLUMNS_MIXED = "grid items-center gap-x-3.5 px-4 " +
  "grid-cols-[104px_minmax(150px,1.5fr)_minmax(230px,3.6fr)_minmax(90px,1.2fr)_minmax(90px,0.9fr)_minmax(70px,0.8fr)_70px]" +
  " @max-[1100px]:grid-cols-[104px_minmax(140px,1.4fr)_minmax(230px,3fr)_minmax(80px,0.8fr)_minmax(70px,0.7fr)_70px]" + NARROW;
/** What goes where there is no room, the rule first: it says why somebody is told, not what is wrong. */
const ROOMY = "@max-[860px]:hidden";
const ROOMIER = "@max-[1100px]:hidden";

export function gridClass(isMixed: boolean): string {
  return isMixed ? COLUMNS_MIXED : COLUMNS;
}

const ORDER_OF: Readonly<Record<string, Order>> = { Severity: "worst", Since: "newest" };

/** `onOrder`: absent of what is over, which stands in its own order. */
export function Heads({ isMixed, order, onOrder }: { isMixed: boolean; order: Order; onOrder: ((order: Order) => void) | null }) {
  const names: readonly [string, string][] = [
    ["Severity", ""], ["State", ""], [onOrder ? "What is wrong" : "What was wrong", ""], ["Rule", ROOMIER],
    ...(isMixed ? [["Tenant", ROOMY] as [string, string]] : []), ["Site", ROOMY], [onOrder ? "Since" : "Over since", "num"],
  ];
  return names.map(([name, look]) => {
    const by = onOrder ? ORDER_OF[name] : undefined;
    // Each of both has one way: the worst, or the newest, stand first.
    const sorting = { by: order, desc: true };
    return (
      <div key={name} role="columnheader" className={`text-xs ${look}`} aria-sort={by && ariaSort(by, sorting)}>
        {by ? <SortButton by={by} label={name} sorting={sorting} descFirst onSort={() => onOrder?.(by)} /> : name}
      </div>
    );
  });
}

/** The row of an alert: live, or as the history tells it. */
export function useAlertRow(id: string, past: Alert | undefined): Alert | undefined {
  return useAlert(id) ?? past;
}

interface Props extends GridRow {
  past: Alert | undefined;
}

export const AlertRow = memo(function AlertRow({ id, past, index, selected, marked, onMark, style }: Props) {
  const alert = useAlertRow(id, past);
  const [standing, note] = useStanding(alert);
  const called = useCalled();
  const { isMixed } = useScope();
  const queued = useQueued(id);
  const look = `${gridClass(isMixed)} absolute inset-x-0 border-b border-line ${selected || marked ? "bg-selected" : "hover:bg-hover"}`;
  // The rows are held while a hand is over them: what is gone meanwhile leaves its place.
  if (!alert) {
    return (
      <div {...rowProps({ id, index, selected, marked, style })} className={look}>
        <div role="gridcell" className="col-span-full text-faint">Gone: it was over before it fired, or is no more.</div>
      </div>
    );
  }
  const more = untold(alert, called(alert));
  return (
    <div {...rowProps({ id, index, selected, marked, style })} data-alert={id} data-row-standing={standing} className={look}>
      <div role="gridcell" className="clip flex items-center">
        {marked === null && onMark && <span className="mr-1 w-6 shrink-0" />}
        {marked !== null && (
          <label className="mr-1 inline-flex h-7 w-6 shrink-0 items-center" title="Mark (x or Space)">
            <input type="checkbox" tabIndex={-1} aria-label={`Mark ${summaryOf(alert)}`} className="size-3.5"
              checked={marked} onChange={() => onMark?.(id)} />
          </label>
        )}
        <SeverityBadge severity={severityOf(alert)} isOver={alert.phase === "resolved"} />
      </div>
      <div role="gridcell" className="clip">{queued ? <QueuedBadge act={queued} /> : <StandingBadge standing={standing} note={note} />}</div>
      <div role="gridcell" className="clip" title={alert.value === null ? summaryOf(alert) : `${summaryOf(alert)} (at its last change)`}>
        <Link to="/alerts/$id" params={{ id }} tabIndex={-1} {...ROW_LINK} onClick={stay} className="font-medium hover:underline">{summaryOf(alert)}</Link>
        {more && <span className="ml-2 text-muted" title={more}>{more}</span>}
      </div>
      <div role="gridcell" className={`clip text-muted ${ROOMIER}`} title={alert.rule.name}>{alert.rule.name}</div>
      {isMixed && <div role="gridcell" className={`clip text-muted ${ROOMY}`}>{alert.tenant.name}</div>}
      <div role="gridcell" className={`clip text-muted ${ROOMY}`}>{alert.site.name}</div>
      <div role="gridcell" className="num text-muted"><Age at={alert.resolved_at ?? sinceOf(alert)} /></div>
    </div>
  );
});
