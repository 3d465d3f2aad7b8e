import { useEffect, useMemo, useState } from "react";
import { byName, integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { type Read, sorted, type Sorting } from "../../lib/sorting";
import { STATE_RANK } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { ariaSort, SortButton } from "../../ui/sort-button";
import { TableError } from "../shell/table-error";
import { AgentRow } from "./agent-row";
import { NewAgent } from "./new-agent";
import { RevokeAgent } from "./revoke-agent";

const COLUMNS: readonly { by: string; label: string; figure?: boolean; read: Read<Agent> }[] = [
  { by: "state", label: "State", read: (a) => STATE_RANK[a.state] },
  { by: "name", label: "Agent", read: (a) => a.name },
  { by: "site", label: "Site", read: (a) => `${a.tenant.name} ${a.site.name}` },
  { by: "version", label: "Version", read: (a) => a.version },
  { by: "transport", label: "Transport", read: (a) => a.transport },
  { by: "ack", label: "Last ack", figure: true, read: (a) => since(a.last_ack_at) },
  { by: "buffer", label: "Buffer", figure: true, read: (a) => a.buffer?.batches ?? null },
  { by: "oldest", label: "Oldest", figure: true, read: (a) => since(a.buffer?.oldest_at) },
  { by: "devices", label: "Devices", figure: true, read: (a) => a.devices },
  { by: "certificate", label: "Certificate", read: (a) => until(a.certificate_expires_at) },
];
const READS = Object.fromEntries(COLUMNS.map(({ by, read }) => [by, read]));

function until(at: string | null | undefined): number | null {
  return at ? Date.parse(at) : null;
}

/** Grows with the age, as the column shows it. */
function since(at: string | null | undefined): number | null {
  return at ? -Date.parse(at) : null;
}

export function AgentsPage() {
  const may = useMay();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Agent | null>(null);
  const membership = useTableValue(live.agents, (table) => table.membership);
  const phase = useTableValue(live.agents, (table) => table.phase);
  useEffect(() => {
    document.title = "Agents · Farwatch";
    live.refreshAgents();
  }, []);
  const [sorting, setSorting] = useState<Sorting>({ by: "state", desc: false });
  // Order on arrival, departure and by a click only: a row does not jump while a hand is on its way to it.
  const ids = useMemo(
    () =>
      sorted(live.agents.list().toSorted((a, b) => byName(a.name, b.name)), READS, sorting)
        .map((agent) => agent.id),
    // oxlint-disable-next-line react/exhaustive-deps -- membership stands for the list
    [membership, sorting],
  );

  return (
    <>
      <PageHead title="Agents">
        <span className="text-xs text-muted">{ids.length > 0 && integer(ids.length)}</span>
        <span className="flex-1" />
        {may.write && (
          <Button look="solid" onClick={() => setMaking(true)}>
            <Icon name="plus" size={14} /> New agent
          </Button>
        )}
      </PageHead>
      <TableError table={live.agents} className="mx-4" />
      {ids.length === 0 && phase !== "ready" && phase !== "failed" && <Skeleton label="Loading agents" />}
      {ids.length === 0 && phase === "ready" && (
        <Empty title="No agent yet">
          <p>
            An agent runs at each site, on anything from a server to a small board. It opens one
            connection to this collector; nothing at the site listens.{" "}
            {may.write ? "Make a token, enrol, done." : "An operator of your tenant can enrol one."}
          </p>
          {may.write && (
            <Button look="solid" className="self-start" onClick={() => setMaking(true)}>
              Make the first token
            </Button>
          )}
        </Empty>
      )}
      {ids.length > 0 && (
        <table className="w-full border-collapse phone:block" aria-label="Agents">
          <thead className="text-xs text-muted phone:hidden">
            <tr className="h-8 border-y border-line bg-surface">
              {COLUMNS.map(({ by, label, figure = false }) => (
                <th key={by} scope="col" aria-sort={ariaSort(by, sorting)}
                  className={`px-2 font-normal first:pl-4 ${figure ? "num" : "text-left"}`}>
                  <SortButton by={by} label={label} descFirst={figure} sorting={sorting} onSort={setSorting} />
                </th>
              ))}
              <th scope="col" className="px-2 pr-4"><span className="sr-only">Actions</span></th>
            </tr>
          </thead>
          <tbody className="phone:flex phone:flex-col phone:gap-2 phone:p-3">
            {ids.map((id) => (
              <AgentRow key={id} id={id} onRevoke={may.admin ? setRevoking : null} />
            ))}
          </tbody>
        </table>
      )}
      <NewAgent open={making} onOpenChange={setMaking} />
      <RevokeAgent agent={revoking} onClose={() => setRevoking(null)} />
    </>
  );
}
