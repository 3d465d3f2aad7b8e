import { useEffect, useMemo, useState } from "react";
import { byName, integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { STATE_RANK } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { TableError } from "../shell/table-error";
import { AgentRow } from "./agent-row";
import { NewAgent } from "./new-agent";
import { RevokeAgent } from "./revoke-agent";

const HEAD = ["State", "Agent", "Site", "Version", "Transport", "Last ack", "Buffer", "Oldest", "Devices", "Certificate", ""];
const NUMERIC = new Set(["Last ack", "Buffer", "Oldest", "Devices"]);

export function AgentsPage() {
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Agent | null>(null);
  const membership = useTableValue(live.agents, (table) => table.membership);
  const phase = useTableValue(live.agents, (table) => table.phase);
  useEffect(() => {
    document.title = "Agents · Farwatch";
    live.refreshAgents();
  }, []);
  // Order on arrival and departure only: a row does not jump while a hand is on its way to it.
  const ids = useMemo(
    () =>
      live.agents
        .list()
        .toSorted((a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || byName(a.name, b.name))
        .map((agent) => agent.id),
    // oxlint-disable-next-line react/exhaustive-deps -- membership stands for the list
    [membership],
  );

  return (
    <>
      <PageHead title="Agents">
        <span className="text-xs text-muted">{ids.length > 0 && integer(ids.length)}</span>
        <span className="flex-1" />
        <Button look="solid" onClick={() => setMaking(true)}>
          <Icon name="plus" size={14} /> New agent
        </Button>
      </PageHead>
      <TableError table={live.agents} className="mx-4" />
      {ids.length === 0 && phase === "ready" && (
        <Empty title="No agent yet">
          <p>
            An agent runs at each site, on anything from a server to a small board. It opens one
            connection to this collector; nothing at the site listens. Make a token, enrol, done.
          </p>
          <Button look="solid" className="self-start" onClick={() => setMaking(true)}>
            Make the first token
          </Button>
        </Empty>
      )}
      {ids.length > 0 && (
        <table className="w-full border-collapse phone:block" aria-label="Agents">
          <thead className="text-xs text-muted phone:hidden">
            <tr className="h-8 border-y border-line bg-surface">
              {HEAD.map((name) => (
                <th key={name} scope="col"
                  className={`px-2 font-normal first:pl-4 last:pr-4 ${NUMERIC.has(name) ? "num" : "text-left"}`}>
                  {name || <span className="sr-only">Actions</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="phone:flex phone:flex-col phone:gap-2 phone:p-3">
            {ids.map((id) => (
              <AgentRow key={id} id={id} onRevoke={setRevoking} />
            ))}
          </tbody>
        </table>
      )}
      <NewAgent open={making} onOpenChange={setMaking} />
      <RevokeAgent agent={revoking} onClose={() => setRevoking(null)} />
    </>
  );
}
