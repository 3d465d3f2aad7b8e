import { Link } from "@tanstack/react-router";
import { counted } from "../../lib/format";
import { LiveCards } from "../../ui/live-cards";
import { siteState } from "./rollup";
import { SiteAlerts } from "./site-row";
import { StateBar, StateCounts } from "./state-bar";
import type { SiteList } from "./use-site-list";

const CARD_PX = 108;

/** The sites on a phone: the whole card opens the site. */
export function SiteCards({ list: { ids, byId, paused, isMixed } }: { list: SiteList }) {
  return (
    <LiveCards label="Sites" ids={ids} cardPx={CARD_PX} paused={paused} renderCard={(id, style) => {
      const site = byId.get(id);
      if (!site) return null;
      return (
        <li key={id} className="absolute inset-x-0 px-3 py-1" style={style} data-site={id}>
          <Link to="/sites/$id" params={{ id }} className="flex h-full flex-col justify-center gap-1.5 rounded-lg border border-line bg-surface px-3.5">
            <span className="flex items-center justify-between gap-3">
              <span className="clip text-base font-medium">{site.name}</span>
              {site.alerts > 0 && <span className="shrink-0"><SiteAlerts site={site} /></span>}
            </span>
            <span className="flex">{siteState(site) && <StateBar counts={site.counts} />}</span>
            <span className="flex items-center justify-between gap-3 text-xs">
              {site.devices > 0 ? <StateCounts counts={site.counts} words /> : <span className="text-muted">No devices</span>}
            </span>
            <span className="clip text-xs text-muted">
              {counted(site.agents, "agent")}{site.agentsUp < site.agents && `, ${site.agents - site.agentsUp} away`}{isMixed && ` · ${site.tenant.name}`}
            </span>
          </Link>
        </li>
      );
    }} />
  );
}
