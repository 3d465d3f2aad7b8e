import { Link } from "@tanstack/react-router";
import { integer } from "../../lib/format";
import { useAgent } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import type { Site } from "../../lib/types";
import { Age } from "../../ui/age";
import { Part } from "../../ui/part";
import { StateBadge } from "../../ui/state-badge";
import { useAgentState } from "../agents/agent-state";
import { linkNote, transportWord } from "../agents/link";
import { OpenList, useOpenAlerts } from "../alerts/open-list";

/** The agents that stand at a site, each with what carries its session. */
export function AgentsPart({ ids }: { ids: readonly string[] }) {
  return (
    <Part title="Agents">
      {ids.length === 0 ? <p className="text-muted">None stands here, so nothing is watched from here.</p> : (
        <ul className="flex flex-col">{ids.map((id) => <AgentLine key={id} id={id} />)}</ul>
      )}
    </Part>
  );
}

function AgentLine({ id }: { id: string }) {
  const agent = useAgent(id);
  const names = useAgentNames();
  const told = useAgentState(agent);
  if (!agent) return null;
  const note = linkNote(agent);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-0.5 border-t border-line py-1.5 first:border-t-0" data-site-agent={id}>
      <StateBadge {...told} />
      <Link to="/agents/$id" params={{ id }} className="touch min-w-0 font-medium wrap-anywhere hover:underline">{names.name(agent)}</Link>
      <span className="text-xs text-muted">{[transportWord(agent.transport), note].filter(Boolean).join(", ")}</span>
      <span className="text-xs text-muted">{agent.last_seen_at ? <>heard <Age at={agent.last_seen_at} long /></> : "never connected"}</span>
    </li>
  );
}

export function SiteAlertsPart({ site: { id, name, tenant } }: { site: Pick<Site, "id" | "name" | "tenant"> }) {
  const ids = useOpenAlerts(({ site }) => site.id === id);
  return (
    <Part title={ids.length > 0 ? `Open alerts (${integer(ids.length)})` : "Open alerts"}>
      {ids.length > 0 ? <OpenList ids={ids} of={{ q: name, tenant: tenant.id }} /> : <p className="text-muted">None.</p>}
    </Part>
  );
}
