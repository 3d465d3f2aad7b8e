import { Link } from "@tanstack/react-router";
import { integer, NONE } from "../../lib/format";
import { type GridRow, rowProps } from "../../ui/grid-row";
import { SeverityShape } from "../alerts/badges";
import { SEVERITY_WORD } from "../alerts/standing";
import type { SiteStatus } from "./rollup";
import { SiteBadge } from "./site-badge";
import { StateBar, StateCounts } from "./state-bar";

const GRID = "grid items-center gap-x-3.5 px-4";
/** The table is as wide as its place: beside an open site it has fewer columns. */
export const COLUMNS = `${GRID} grid-cols-[110px_minmax(120px,1.4fr)_minmax(220px,2fr)_70px_80px_96px] @max-[905px]:grid-cols-[104px_minmax(0,1.2fr)_minmax(0,1fr)_64px_72px]`;
export const COLUMNS_MIXED = `${GRID} grid-cols-[110px_minmax(120px,1.4fr)_minmax(90px,1fr)_minmax(220px,2fr)_70px_80px_96px]` +
  " @max-[905px]:grid-cols-[104px_minmax(0,1.2fr)_minmax(0,1fr)_64px_72px]";
/** What goes where there is no room: the panel beside tells it. */
export const ROOMY = "@max-[905px]:hidden";

interface Props extends GridRow {
  site: SiteStatus;
  isMixed: boolean;
  /** Whether this person may set it up. */
  mayWrite: boolean;
}

export function SiteRow({ site, isMixed, mayWrite, id, index, selected, marked, style }: Props) {
  return (
    <div {...rowProps({ id, index, selected, marked, style })} data-site={id}
      className={`${isMixed ? COLUMNS_MIXED : COLUMNS} absolute inset-x-0 border-b border-line ${selected ? "bg-selected" : "hover:bg-hover"}`}>
      <div role="gridcell" className="clip"><SiteBadge site={site} /></div>
      <div role="gridcell" className="clip" title={site.name}>
        <Link to="/sites/$id" params={{ id }} tabIndex={-1} className="font-medium hover:underline">{site.name}</Link>
      </div>
      {isMixed && <div role="gridcell" className={`clip text-muted ${ROOMY}`}>{site.tenant.name}</div>}
      <div role="gridcell" className="flex min-w-0 items-center gap-3">
        {site.devices > 0 ? (
          <>
            <StateBar counts={site.counts} />
            <span className="w-40 shrink-0 @max-[905px]:hidden"><StateCounts counts={site.counts} /></span>
          </>
        ) : mayWrite && <Link to="/setup" search={{ site: id }} tabIndex={-1} className="text-accent hover:underline" data-set-up>Set up</Link>}
      </div>
      <div role="gridcell" className={`num ${ROOMY}`}>{integer(site.devices)}</div>
      <div role="gridcell" className="num"><AgentsUp site={site} /></div>
      <div role="gridcell" className="num"><SiteAlerts site={site} /></div>
    </div>
  );
}

/** «1/2»: those that are connected, of all. */
export function AgentsUp({ site: { agents, agentsUp } }: { site: SiteStatus }) {
  if (agents === 0) return NONE;
  return <span className={agentsUp < agents ? "font-medium text-degraded" : ""}>{integer(agentsUp)}<span className="text-muted">/{integer(agents)}</span></span>;
}

/** How many are open, with the shape of the worst. */
export function SiteAlerts({ site: { alerts, worst } }: { site: SiteStatus }) {
  if (!worst) return <span className="text-muted">0</span>;
  return (
    <span className="inline-flex items-center gap-1.5 font-medium" title={`The worst is ${SEVERITY_WORD[worst].toLowerCase()}`}>
      <SeverityShape severity={worst} size={11} /><span className="sr-only">{SEVERITY_WORD[worst]},</span>{integer(alerts)}
    </span>
  );
}
