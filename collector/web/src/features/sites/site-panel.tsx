import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { counted, integer } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { Age } from "../../ui/age";
import { Aside, TO_PAGE, TO_PAGE_LOOK } from "../../ui/aside";
import { Empty } from "../../ui/empty";
import { Part } from "../../ui/part";
import { DeviceState } from "../../ui/state-badge";
import { useShown } from "../fleet/fleet-row";
import { useAgentsInScope, useDevicesInScope } from "../now/use-in-scope";
import type { SiteStatus } from "./rollup";
import { AgentsPart, SiteAlertsPart } from "./site-parts";
import { StateBar, StateCounts } from "./state-bar";
import { useSiteRows } from "./use-site-rows";

/** More of them are for the site's page. */
const SHOWN = 8;

/** A site beside the list: how it is, and what is wrong there. */
export function SitePanel({ id, site, onClose }: { id: string; site: SiteStatus | undefined; onClose: () => void }) {
  return (
    <Aside of="site" id={id} onClose={onClose} description={site && `${counted(site.devices, "device")} · ${site.tenant.name}`}
      title={<Link to="/sites/$id" params={{ id }} className="hover:underline">{site?.name ?? "Site"}</Link>}>
      {site ? <Body site={site} /> : <Empty title="Not here"><p>It was removed, or it is another tenant's.</p></Empty>}
    </Aside>
  );
}

function Body({ site }: { site: SiteStatus }) {
  const devices = useDevicesInScope();
  const { deviceIds, agentIds } = useSiteRows(site.id, devices, useAgentsInScope());
  const states = useMemo(() => new Map(devices.map(({ id, state }) => [id, state])), [devices]);
  const troubled = deviceIds.filter((id) => states.get(id) !== "up");
  return (
    <>
      {site.devices > 0 && (
        <div className="flex flex-col gap-2">
          <div className="flex"><StateBar counts={site.counts} className="h-2" /></div>
          <StateCounts counts={site.counts} words />
        </div>
      )}
      <SiteAlertsPart site={site} />
      <Part title={troubled.length > 0 ? "Devices that are not up" : "Devices"}>
        {troubled.length === 0 ? <p className="text-muted">{site.devices > 0 ? "All are up." : "None yet."}</p> : (
          <ul className="flex flex-col">{troubled.slice(0, SHOWN).map((id) => <Troubled key={id} id={id} />)}</ul>
        )}
        {troubled.length > SHOWN && (
          <Link to="/sites/$id" params={{ id: site.id }} className="self-start text-accent hover:underline">and {integer(troubled.length - SHOWN)} more</Link>
        )}
      </Part>
      <AgentsPart ids={agentIds} />
      <Link to="/sites/$id" params={{ id: site.id }} className={TO_PAGE_LOOK}>{TO_PAGE}</Link>
    </>
  );
}

function Troubled({ id }: { id: string }) {
  const device = useDevice(id);
  const [state, cause] = useShown(device);
  const names = useDeviceNames();
  if (!device) return null;
  return (
    <li className="flex items-center justify-between gap-4 border-t border-line py-1 first:border-t-0">
      <Link to="/devices/$id" params={{ id }} className="min-w-0 font-medium wrap-anywhere hover:underline">{names.name(device)}</Link>
      <span className="flex min-w-0 shrink-0 items-center gap-3"><DeviceState state={state} cause={cause} /><span className="num w-8 text-xs text-muted"><Age at={device.last_sample_at} /></span></span>
    </li>
  );
}
