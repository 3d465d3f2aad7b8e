import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { counted } from "../../lib/format";
import { live, useAgent, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useMayIn } from "../../lib/role";
import { STATE_RANK } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { useOwner } from "../../lib/use-owner";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { MoreMenu } from "../../ui/more-menu";
import { Skeleton } from "../../ui/skeleton";
import { DeviceLines } from "../fleet/device-lines";
import { useDevicesInScope } from "../now/use-in-scope";
import { NotFound } from "../shell/lost";
import { TableError } from "../shell/table-error";
import { AgentAlertsPart, AgentHeadLine, GatewayPart, LinkPart, MachinePart, ScansPart } from "./agent-parts";
import { AgentLedger } from "./agent-ledger";
import { AgentWeek } from "./agent-week";
import { lastAgents } from "./last-agents";
import { LinkHistory } from "./link-history";

const EditAgent = lazy(() => import("./edit-agent").then((m) => ({ default: m.EditAgent })));
const RevokeAgent = lazy(() => import("./revoke-agent").then((m) => ({ default: m.RevokeAgent })));

/** One agent on a page of its own, with the devices that it polls. */
export function AgentPage({ id }: { id: string }) {
  const navigate = useNavigate();
  const agent = useAgent(id);
  const names = useAgentNames();
  const isKnown = useTableValue(live.agents, ({ phase }) => phase === "ready");
  useEffect(() => live.ensureAgents(), []);
  useTitle(agent ? names.name(agent) : null, true);
  useOwner(agent?.tenant.id);
  useCommands({ "go.back": () => void navigate({ to: "/agents", search: lastAgents().search }) });
  const devices = useDevicesInScope();
  const ids = useMemo(
    () => devices.filter((device) => device.agent.id === id).toSorted((a, b) => STATE_RANK[a.state] - STATE_RANK[b.state]).map((device) => device.id),
    [devices, id],
  );
  // Only who has the whole list knows that it is not in it.
  if (!agent) return isKnown ? <NotFound /> : <><TableError table={live.agents} className="m-4" /><Skeleton label="Loading the agent" /></>;
  return (
    <div className="flex min-h-full flex-col" data-agent-page={id}>
      <header className="flex flex-col gap-2 border-b border-line px-4 pt-2 pb-3 phone:px-3">
        <Link to="/agents" search={lastAgents().search} className="inline-flex min-h-6 items-center gap-1 self-start text-muted hover:text-text phone:min-h-11">
          <Icon name="back" size={14} /> Agents
        </Link>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h1 className="min-w-0 text-xl font-semibold wrap-anywhere">{names.name(agent)}</h1>
          <span className="text-muted">{agent.site.name} · {agent.tenant.name}</span>
          <span className="flex-1" />
          <AgentActions agent={agent} />
        </div>
        <AgentHeadLine agent={agent} />
      </header>
      {/* The second row takes what the parts on the right are longer. */}
      <div className="grid grid-cols-[minmax(0,1fr)_minmax(300px,420px)] grid-rows-[auto_1fr] items-start gap-x-6 gap-y-2 max-[1180px]:grid-cols-1 max-[1180px]:grid-rows-none">
        <AgentLedger agent={agent} />
        <section aria-label="Devices" className="col-start-1 min-w-0 py-3 max-[1180px]:order-2">
          <h2 className="px-4 pb-2 font-semibold phone:px-3">{counted(agent.devices, "device")}</h2>
          <DeviceLines ids={ids} more={{ q: agent.name, tenant: agent.tenant.id }} />
        </section>
        <div className="col-start-2 row-span-2 row-start-1 flex flex-col gap-6 px-4 py-3 max-[1180px]:col-start-1 max-[1180px]:row-span-1 max-[1180px]:row-start-auto desk:pl-0 max-[1180px]:pl-4! phone:px-3!">
          <AgentAlertsPart agent={agent} />
          <AgentWeek agent={agent} />
          <LinkPart agent={agent} />
          <LinkHistory agent={agent} />
          <GatewayPart agent={agent} />
          <ScansPart agent={agent} />
          <MachinePart agent={agent} />
        </div>
      </div>
    </div>
  );
}

function AgentActions({ agent }: { agent: Agent }) {
  const { write, admin } = useMayIn()(agent.tenant.id);
  const [asked, setAsked] = useState<"edit" | "revoke" | null>(null);
  if (agent.revoked_at) return null;
  const close = () => setAsked(null);
  return (
    <>
      {write && <Button onClick={() => setAsked("edit")}>Edit</Button>}
      {admin && <MoreMenu label="More of this agent" acts={[{ label: "Revoke agent…", onAct: () => setAsked("revoke"), isDanger: true }]} />}
      <Suspense>
        {asked === "edit" && <EditAgent agent={agent} onClose={close} />}
        {asked === "revoke" && <RevokeAgent agent={agent} onClose={close} />}
      </Suspense>
    </>
  );
}
