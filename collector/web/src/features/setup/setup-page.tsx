import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { isNotHere } from "../../lib/api";
import { counted } from "../../lib/format";
import { live, useAgent, useTableValue } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { useSites } from "../../lib/use-sites";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { TableError } from "../shell/table-error";
import { AgentStep } from "./agent-step";
import { CredentialStep } from "./credential-step";
import { FirstValues } from "./first-values";
import { addedBy } from "./added-by";
import { ProposalTable } from "./proposal-table";
import { isAllAdopted } from "./proposals";
import { isOver, useProfilesInReach, useScan } from "./queries";
import { ScanForm } from "./scan-form";
import { ScanProgress } from "./scan-progress";
import { SiteForm } from "./site-step";
import { Step } from "./step";

const route = getRouteApi("/_app/setup");

/** From an empty tenant to the first chart; how far one is stands in the URL. */
export function SetupPage() {
  const mayMake = useMayMake("write");
  useTitle("Set up a site");
  useEffect(() => {
    live.ensureAgents();
    live.ensureDevices();
  }, []);
  return (
    <>
      <PageHead title="Set up a site" />
      <TableError table={live.agents} className="mx-4" />
      {mayMake ? <Steps /> : (
        <Empty title="You may look, not change">
          <p>Ask an operator of your tenant to set up the site. What they add shows in the fleet by itself.</p>
        </Empty>
      )}
    </>
  );
}

function Steps() {
  const { site: siteId, agent: agentId, scan: scanId } = route.useSearch();
  const navigate = route.useNavigate();
  const { tenants } = useScope();
  // A step back forgets what came of it; every step is a place that «back» leads to.
  const go = (to: { site?: string; agent?: string; scan?: string }) =>
    void navigate({ search: (old) => ({ tenant: old.tenant, ...to }) });
  const scanQuery = useScan(scanId);
  const scan = scanQuery.data;
  const agentsKnown = useTableValue(live.agents, (table) => table.phase === "ready");
  const agent = useAgent(scan?.agent.id ?? agentId ?? "");
  const sites = useSites(null);
  const site = agent ? { ...agent.site, tenant: agent.tenant } : sites?.find(({ id }) => id === siteId);
  const reach = useProfilesInReach(site?.tenant.id ?? "", site?.id ?? "");
  const added = useTableValue(live.devices, () => (scan ? addedBy(scan, (id) => live.devices.get(id)).join() : ""));
  const addedIds = added === "" ? [] : added.split(",");
  // The scan whose hosts somebody looks at once more.
  const [unfolded, setUnfolded] = useState<string | null>(null);

  const asked = agentId !== undefined || siteId !== undefined || scanId !== undefined;
  if (asked && !site && (!sites || !agentsKnown || scanQuery.isLoading)) return <Skeleton label="Loading the site" rows={5} />;
  const isUp = agent?.state === "up";
  const isFolded = addedIds.length > 0 && !!scan && isAllAdopted(scan.hosts) && unfolded !== scan.id;
  const wasHere = !!agent?.last_seen_at;
  const canScan = !!site && !!agent && (isUp || !!scan);
  const keepSite = site ? { site: site.id } : {};
  const keepAgent = agent ? { ...keepSite, agent: agent.id } : keepSite;
  return (
    <ol className="m-0 flex max-w-[1080px] list-none flex-col px-4 pt-2 pb-10 phone:px-3">
      <Step number={1} title="The site" isLine isOpen isDone={!!site} note={site && (
        <span className="flex flex-wrap items-center gap-x-2">
          <span className="font-medium text-text" data-setup-site>{site.name}</span>{tenants.length > 1 && <span>of {site.tenant.name}</span>}
          <Button look="quiet" className="h-7 phone:-ml-3" onClick={() => go({})}>Another site</Button>
        </span>
      )}>
        {!site && asked && <p className="text-muted">The site or agent of this link is not here any more, or it is another tenant’s.</p>}
        {!site && <SiteForm onSite={(id) => go({ site: id })} />}
      </Step>
      <Step number={2} title="Its agent" isLine isOpen={!!site} isDone={isUp || (wasHere && !!scan)}>
        {site && <AgentStep key={site.id} site={site} agent={agent} onAgent={(id) => go(id ? { ...keepSite, agent: id } : keepSite)} />}
      </Step>
      <Step number={3} title="Credentials to try" isLine={!!scan} isOpen={canScan} isDone={canScan && (reach.profiles?.length ?? 0) > 0}>
        {site && (
          <CredentialStep tenant={site.tenant.id} profiles={reach.profiles} error={reach.error} isTried={!!scan}
            onRetry={() => void reach.refetch()} />
        )}
      </Step>
      <Step number={4} title="Scan the network" isLine isOpen={canScan} isDone={!!scan && isOver(scan) && scan.found > 0}>
        {scanQuery.error && !scan && (
          <ErrorNote error={isNotHere(scanQuery.error) ? new Error("This scan is not here any more: begin another one.") : scanQuery.error}
            onRetry={() => void scanQuery.refetch()} />
        )}
        {scan ? <ScanProgress scan={scan} onAgain={() => go(keepAgent)} />
          : agent && (!scanId || scanQuery.error) && <ScanForm key={agent.id} agent={agent.id} isUp={isUp} profiles={reach.profiles?.length ?? 0} onScan={(id) => go({ ...keepAgent, scan: id })} />}
      </Step>
      <Step number={5} title="Adopt what was found" isLine={isFolded} isOpen={!!scan && scan.hosts.length > 0} isDone={addedIds.length > 0}
        note={scan && isOver(scan) && scan.hosts.length === 0 ? <NothingFound /> : undefined}>
        {scan && <ProposalTable key={scan.id} scan={scan} isFolded={isFolded} onUnfold={() => setUnfolded(scan.id)} />}
      </Step>
      <Step number={6} title="First values" isOpen={addedIds.length > 0} isDone={addedIds.some((id) => live.devices.get(id)?.last_sample_at)}
        note={addedIds.length > 0 ? `${counted(addedIds.length, "device")} of this scan ${addedIds.length === 1 ? "is" : "are"} watched now.` : undefined}>
        {scan && <FirstValues key={scan.id} ids={addedIds} tenant={scan.tenant.id} />}
      </Step>
    </ol>
  );
}

function NothingFound() {
  return (
    <p className="max-w-[62ch]">
      Nothing answered. Check the addresses; the machine of the agent must reach them itself. Devices that answer neither echo
      requests nor SNMP can be added by hand in the fleet, or from a table.
    </p>
  );
}
