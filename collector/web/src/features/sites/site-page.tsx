import { Link, useNavigate } from "@tanstack/react-router";
import { counted } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useCommands } from "../../lib/use-commands";
import { useOwner } from "../../lib/use-owner";
import { useTitle } from "../../lib/use-title";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Skeleton } from "../../ui/skeleton";
import { DeviceLines } from "../fleet/device-lines";
import { useAgentsInScope, useDevicesInScope } from "../now/use-in-scope";
import { NotFound } from "../shell/lost";
import { TableError } from "../shell/table-error";
import { lastSites } from "./last-sites";
import { type SiteStatus, siteState } from "./rollup";
import { NoDevices, SiteActions } from "./site-actions";
import { SiteBadge } from "./site-badge";
import { AgentsPart, SiteAlertsPart } from "./site-parts";
import { StateBar, StateCounts } from "./state-bar";
import { useSiteRows } from "./use-site-rows";
import { useSiteStatuses } from "./use-site-list";

/** One site on a page of its own: its state, its agents, its devices and what is wrong there. */
export function SitePage({ id }: { id: string }) {
  const navigate = useNavigate();
  const { all, isKnown, error, retry } = useSiteStatuses();
  const site = all.find((one) => one.id === id);
  useTitle(site?.name ?? null, true);
  useOwner(site?.tenant.id);
  useCommands({ "go.back": () => void navigate({ to: "/sites", search: lastSites().search }) });
  const { deviceIds, agentIds } = useSiteRows(id, useDevicesInScope(), useAgentsInScope());
  if (!site && error) return <ErrorNote error={error} className="m-4" onRetry={retry} />;
  if (!site) return isKnown ? <NotFound /> : <Skeleton label="Loading the site" />;
  return (
    <div className="flex min-h-full flex-col" data-site-page={id}>
      <SiteHead site={site} agents={agentIds} />
      <TableError table={live.devices} className="mx-4 mt-4 phone:mx-3" />
      <div className="grid grid-cols-[minmax(0,1fr)_minmax(300px,380px)] items-start gap-x-6 max-[1000px]:grid-cols-1">
        <section aria-label="Devices" className="min-w-0 py-3 max-[1000px]:order-2">
          <h2 className="px-4 pb-2 font-semibold phone:px-3">{counted(site.devices, "device")}</h2>
          <DeviceLines ids={deviceIds} more={{ q: site.name, tenant: site.tenant.id }} none={<NoDevices site={site} agents={agentIds} />} />
        </section>
        <div className="flex flex-col gap-6 px-4 py-3 desk:pl-0 max-[1000px]:pl-4! phone:px-3!">
          <SiteAlertsPart site={site} />
          <AgentsPart ids={agentIds} />
        </div>
      </div>
    </div>
  );
}

function SiteHead({ site, agents }: { site: SiteStatus; agents: readonly string[] }) {
  return (
    <header className="flex flex-col gap-2 border-b border-line px-4 pt-2 pb-3 phone:px-3">
      <p className="flex items-center gap-2 text-muted">
        <Link to="/sites" search={lastSites().search} className="inline-flex min-h-6 items-center gap-1 hover:text-text phone:min-h-11">
          <Icon name="back" size={14} /> Sites
        </Link>
        <span aria-hidden="true">/</span> <span className="clip">{site.tenant.name}</span>
      </p>
      <div className="flex items-center gap-x-3">
        <h1 className="min-w-0 flex-1 text-xl font-semibold wrap-anywhere">{site.name}</h1>
        <SiteActions site={site} agents={agents} />
      </div>
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
        <span className="rounded-full border border-line px-3 py-1" data-site-state={siteState(site) ?? "none"}><SiteBadge site={site} /></span>
        {site.devices > 0 && (
          <>
            <div className="flex w-80 max-w-full phone:min-w-0 phone:flex-1"><StateBar counts={site.counts} className="h-2" /></div>
            {Object.values(site.counts).filter(Boolean).length > 1 && <StateCounts counts={site.counts} words />}
          </>
        )}
      </div>
    </header>
  );
}
