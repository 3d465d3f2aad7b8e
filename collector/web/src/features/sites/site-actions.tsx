import { useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useMayIn } from "../../lib/role";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { MoreMenu } from "../../ui/more-menu";
import { SetupLink } from "../setup/setup-link";
import { lastSites } from "./last-sites";
import type { SiteStatus } from "./rollup";

const NameSite = lazy(() => import("./change-site").then((m) => ({ default: m.NameSite })));
const RemoveSite = lazy(() => import("./change-site").then((m) => ({ default: m.RemoveSite })));
const AddDevice = lazy(() => import("../fleet/add-device").then((m) => ({ default: m.AddDevice })));

interface Props {
  site: SiteStatus;
  /** Ids of those that stand there. */
  agents: readonly string[];
}

/** What is done at a site: most often devices are added, seldom is it renamed or removed. */
export function SiteActions({ site, agents }: Props): ReactNode {
  const navigate = useNavigate();
  const { write } = useMayIn()(site.tenant.id);
  const [asked, setAsked] = useState<"device" | "rename" | "remove" | null>(null);
  if (!write) return null;
  const close = () => setAsked(null);
  const setUp = (search: { site: string } | { agent: string }) => void navigate({ to: "/setup", search });
  const [agent] = agents;
  return (
    <span className="flex shrink-0 items-center gap-2">
      {agent === undefined ? <SetupLink site={site.id}>Set up</SetupLink> : (
        <Button look="solid" onClick={() => setAsked("device")}><Icon name="plus" size={14} /> Add device</Button>
      )}
      <MoreMenu label="More for this site" acts={[
        ...(agent === undefined ? [] : [{ label: "Scan the network", onAct: () => setUp(agents.length === 1 ? { agent } : { site: site.id }) }]),
        { label: "New agent", onAct: () => setUp({ site: site.id }) },
        { label: "Rename", onAct: () => setAsked("rename") },
        { label: "Remove", onAct: () => setAsked("remove"), isDanger: true },
      ]} />
      <Suspense>
        {asked === "device" && <AddDevice open onOpenChange={close} agent={agent} />}
        {asked === "rename" && <NameSite site={site} onClose={close} />}
        {asked === "remove" && (
          <RemoveSite site={site} onClose={close} onRemoved={() => navigate({ to: "/sites", search: lastSites().search })} />
        )}
      </Suspense>
    </span>
  );
}

/** Nothing is watched at a site: what comes next there. */
export function NoDevices({ site, agents }: Props) {
  const { write } = useMayIn()(site.tenant.id);
  return (
    <div className="flex flex-col gap-3 px-4 text-muted phone:px-3">
      <p>{agents.length === 0 ? "No agent stands here yet: it is what polls the devices of a site." : "None yet. Let the agent scan its network and adopt what it finds, or add devices one by one."}</p>
      {write && agents.length > 0 && <SetupLink quiet {...(agents.length === 1 ? { agent: agents[0] as string } : { site: site.id })}>Scan the network</SetupLink>}
    </div>
  );
}
