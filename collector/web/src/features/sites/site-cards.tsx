import { Link } from "@tanstack/react-router";
import { counted } from "../../lib/format";
import { LiveCards } from "../../ui/live-cards";
import { agentsMissing } from "./rollup";
import { SiteBadge } from "./site-badge";
import { SiteAlerts } from "./site-row";
import { StateBar } from "./state-bar";
import type { SiteList } from "./use-site-list";

const CARD_PX = 92;

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
              <span className="clip min-w-0 flex-1 text-base font-medium">{site.name}{isMixed && <span className="text-xs font-normal text-muted"> · {site.tenant.name}</span>}</span>
              {site.alerts > 0 && <span className="shrink-0"><SiteAlerts site={site} /></span>}
            </span>
            <span className="flex items-center justify-between gap-3 text-xs">
              <span className="shrink-0 whitespace-nowrap"><SiteBadge site={site} /></span>
              <span className="clip min-w-0 text-muted">
                {counted(site.devices, "device")} · {counted(site.agents, "agent")}{agentsMissing(site)}
              </span>
            </span>
            {site.devices > 0 && <span className="flex"><StateBar counts={site.counts} /></span>}
          </Link>
        </li>
      );
    }} />
  );
}
