import { Link } from "@tanstack/react-router";
import { live, useAgent, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { Aside, TO_PAGE, TO_PAGE_LOOK } from "../../ui/aside";
import { Empty } from "../../ui/empty";
import { Skeleton } from "../../ui/skeleton";
import { AgentAlertsPart, AgentHeadLine, GatewayPart, LinkPart, MachinePart, ScansPart } from "./agent-parts";

/** An agent beside the list: what carries its session, and how its site is connected. */
export function AgentPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const agent = useAgent(id);
  const names = useAgentNames();
  // Only who has the whole list knows that it is not in it.
  const isKnown = useTableValue(live.agents, ({ phase }) => phase === "ready");
  return (
    <Aside of="agent" id={id} onClose={onClose} description={agent && `${agent.site.name} · ${agent.tenant.name}`}
      title={<Link to="/agents/$id" params={{ id }} className="hover:underline">{agent ? names.name(agent) : "Agent"}</Link>}>
      {agent ? (
        <>
          <AgentHeadLine agent={agent} />
          <AgentAlertsPart agent={agent} />
          <LinkPart agent={agent} />
          <GatewayPart agent={agent} />
          <ScansPart agent={agent} />
          <MachinePart agent={agent} isPanel />
          <Link to="/agents/$id" params={{ id }} className={TO_PAGE_LOOK}>{TO_PAGE}</Link>
        </>
      ) : isKnown ? <Empty title="Not here"><p>There is no such agent, or it is another tenant's.</p></Empty>
        : <Skeleton label="Loading the agent" rows={6} />}
    </Aside>
  );
}
