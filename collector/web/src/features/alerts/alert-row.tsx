import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { serverNow } from "../../lib/clock";
import { useAlert, useEachSecond } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import type { Alert } from "../../lib/types";
import { Age } from "../../ui/age";
import { type GridRow, rowProps } from "../../ui/grid-row";
import { SeverityBadge, StandingBadge } from "./badges";
import { severityOf, sinceOf, type Standing, standingOf } from "./standing";
import { standingNote, useCalled, wrongWith } from "./subject";

/** The table is as wide as its place: beside an open alert it has fewer columns. */
const NARROW = " @max-[860px]:grid-cols-[92px_minmax(100px,1fr)_minmax(110px,1.4fr)_minmax(96px,1.2fr)_40px]" +
  " @max-[540px]:grid-cols-[92px_minmax(0,1fr)_minmax(0,1.4fr)_minmax(0,1.2fr)_36px] @max-[540px]:gap-x-2.5";
const COLUMNS = "grid items-center gap-x-3.5 px-4 " +
  "grid-cols-[104px_minmax(112px,1.5fr)_minmax(130px,1.7fr)_minmax(120px,1.6fr)_minmax(70px,1fr)_44px]" + NARROW;
const COLUMNS_MIXED = "grid items-center gap-x-3.5 px-4 " +
  "grid-cols-[104px_minmax(112px,1.5fr)_minmax(130px,1.7fr)_minmax(120px,1.6fr)_minmax(70px,1fr)_minmax(70px,1fr)_44px]" + NARROW;
/** What goes where there is no room. */
const ROOMY = "@max-[860px]:hidden";

export function gridClass(isMixed: boolean): string {
  return isMixed ? COLUMNS_MIXED : COLUMNS;
}

export function Heads({ isMixed }: { isMixed: boolean }) {
  const names: readonly [string, string][] = [
    ["Severity", ""], ["State", ""], ["What is wrong", ""], ["Where", ""],
    ...(isMixed ? [["Tenant", ROOMY] as [string, string]] : []), ["Site", ROOMY], ["Since", "num"],
  ];
  return names.map(([name, look]) => <div key={name} role="columnheader" className={`text-xs ${look}`}>{name}</div>);
}

/** How it stands and what is to be said of that, as one string: the second hand renders the row only when it turns. */
export function useStanding(alert: Alert | undefined): [Standing, string | null] {
  const text = useEachSecond(() => {
    if (!alert) return "resolved\n";
    const now = serverNow();
    return `${standingOf(alert, now)}\n${standingNote(alert, now) ?? ""}`;
  });
  const [standing, note] = text.split("\n");
  return [standing as Standing, note || null];
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
  const look = `${gridClass(isMixed)} absolute inset-x-0 border-b border-line ${selected || marked ? "bg-selected" : "hover:bg-hover"}`;
  // The rows are held while a hand is over them: what is gone meanwhile leaves its place.
  if (!alert) {
    return (
      <div {...rowProps({ id, index, selected, marked, style })} className={look}>
        <div role="gridcell" className="col-span-full text-faint">It was over before it fired.</div>
      </div>
    );
  }
  const where = called(alert);
  return (
    <div {...rowProps({ id, index, selected, marked, style })} data-alert={id} data-row-standing={standing} className={look}>
      <div role="gridcell" className="clip flex items-center">
        {marked === null && onMark && <span className="mr-1 w-6 shrink-0" />}
        {marked !== null && (
          <label className="mr-1 inline-flex h-7 w-6 shrink-0 items-center" title="Mark (x or Space)">
            <input type="checkbox" tabIndex={-1} aria-label={`Mark ${alert.rule.name} of ${where}`} className="size-3.5 accent-accent"
              checked={marked} onChange={() => onMark?.(id)} />
          </label>
        )}
        <SeverityBadge severity={severityOf(alert)} />
      </div>
      <div role="gridcell" className="clip"><StandingBadge standing={standing} note={note} /></div>
      <div role="gridcell" className="clip" title={alert.value === null ? alert.summary : `${alert.summary} (at its last change)`}>
        <Link to="/alerts/$id" params={{ id }} tabIndex={-1} className="font-medium hover:underline">{wrongWith(alert)}</Link>
      </div>
      <div role="gridcell" className="clip" title={`${where}${alert.object && ` · ${alert.object}`}`}>
        {where}{alert.object && <span className="ml-1.5 text-muted">{alert.object}</span>}
      </div>
      {isMixed && <div role="gridcell" className={`clip text-muted ${ROOMY}`}>{alert.tenant.name}</div>}
      <div role="gridcell" className={`clip text-muted ${ROOMY}`}>{alert.site.name}</div>
      <div role="gridcell" className="num text-muted"><Age at={alert.resolved_at ?? sinceOf(alert)} /></div>
    </div>
  );
});
