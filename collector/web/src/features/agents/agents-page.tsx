import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { byName, counted } from "../../lib/format";
import { useIntent } from "../../lib/intent";
import { live, toldNow, useEachSecond, useTableValue } from "../../lib/live-app";
import { useMayIn, useMayMake } from "../../lib/role";
import { agentNames, useAgentNames } from "../../lib/live-names";
import { isInScope, useScope } from "../../lib/scope";
import { sorted, type Sorting } from "../../lib/sorting";
import { STATE_RANK } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { useBeside } from "../../lib/use-beside";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { useRowKeys } from "../../lib/use-row-keys";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { FilterChip } from "../../ui/chip";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { BODY } from "../../ui/table-cell";
import { type Heading, readsOf, TableHead } from "../../ui/table-head";
import { SetupLink } from "../setup/setup-link";
import { TableError } from "../shell/table-error";
import { AgentRow, DESK, ROOMY } from "./agent-row";
import { troubleOf } from "./delivery";
import { EditAgent } from "./edit-agent";
import { lastAgents, rememberAgents } from "./last-agents";
import { linkNote, transportWord } from "./link";
import { NewAgent } from "./new-agent";

const AgentPanel = lazy(() => import("./agent-panel").then((m) => ({ default: m.AgentPanel })));
const route = getRouteApi("/_app/agents/");

const COLUMNS: readonly Heading<Agent>[] = [
  { by: "state", label: "State", read: (a) => STATE_RANK[a.state] },
  { by: "name", label: "Agent", read: (a) => agentNames().name(a) },
  { by: "tenant", label: "Tenant", className: DESK, read: (a) => a.tenant.name },
  { by: "site", label: "Site", read: (a) => a.site.name },
  { by: "version", label: "Version", className: DESK, read: (a) => a.version },
  { by: "transport", label: "Transport", className: DESK, read: (a) => a.transport },
  { by: "rtt", label: "RTT", figure: true, note: "Between agent and collector", className: ROOMY, read: (a) => a.rtt_ms },
  { by: "ack", label: "Last ack", figure: true, read: (a) => since(a.last_ack_at) },
  { by: "backlog", label: "Backlog", figure: true, note: "What it has not sent yet", read: (a) => since(a.buffer?.oldest_at) },
  { by: "devices", label: "Devices", figure: true, read: (a) => a.devices },
];
const OF_ONE_TENANT = COLUMNS.filter(({ by }) => by !== "tenant");
const READS = readsOf(COLUMNS);

function matches(agent: Agent, query: string): boolean {
  const hay = [agentNames().name(agent), agent.name, agent.site.name, agent.tenant.name, agent.version ?? "",
    agent.platform ?? "", transportWord(agent.transport), linkNote(agent)].join("\n").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

/** Grows with the age, as the column shows it. */
function since(at: string | null | undefined): number | null {
  return at ? -Date.parse(at) : null;
}

export function AgentsPage() {
  const mayAdd = useMayMake("write");
  const mayIn = useMayIn();
  const scope = useScope();
  const names = useAgentNames();
  const navigate = route.useNavigate();
  const { open, show } = route.useSearch();
  const phone = usePhone();
  const [query, setQuery] = useState("");
  const [making, setMaking] = useState(false);
  useIntent("agent", () => setMaking(true));
  const [editing, setEditing] = useState<Agent | null>(null);
  const membership = useTableValue(live.agents, (table) => table.membership);
  const phase = useTableValue(live.agents, (table) => table.phase);
  useEffect(() => live.refreshAgents(), []);
  useTitle("Agents");
  const [sorting, setSorting] = useState<Sorting>({ by: "state", desc: false });
  // Order on arrival, departure and by a click only: a row does not jump while a hand is on its way to it.
  const ids = useMemo(
    () =>
      sorted(
        live.agents.list().filter((agent) => isInScope(scope, agent)).toSorted((a, b) => byName(a.name, b.name)),
        READS, sorting,
      ).map((agent) => agent.id),
    // oxlint-disable-next-line react/exhaustive-deps -- membership and names stand for the list
    [membership, names, scope, sorting],
  );
  const text = query.trim();
  const troubled = useEachSecond(() => (show ? live.agents.list().filter((agent) => troubleOf(agent, toldNow())).map(({ id }) => id).join(" ") : ""));
  const shown = ids.filter((id) => {
    const agent = live.agents.get(id);
    return agent && (!text || matches(agent, text)) && (!show || troubled.split(" ").includes(id));
  });

  const setOpen = (id: string | undefined) => void navigate({ search: { open: id, show }, replace: true });
  const showAll = () => void navigate({ search: { open }, replace: true });
  const beside = useBeside({
    first: lastAgents().chosen, open, setOpen, toPage: (id) => void navigate({ to: "/agents/$id", params: { id } }),
  });
  const { chosen } = beside;
  useEffect(() => rememberAgents({ search: { open, show }, chosen }), [open, show, chosen]);
  useRowKeys(shown, beside);
  useCommands({ "go.back": () => beside.back() || (query ? setQuery("") : show && showAll()) });
  const mayOf = (id: string) => mayIn(live.agents.get(id)?.tenant.id ?? "");
  const canChange = ids.some((id) => mayOf(id).write);

  return (
    <div className="flex h-full">
    <div className="@container min-w-0 flex-1 overflow-y-auto">
      <PageHead title="Agents">
        {ids.length > 0 && (
          <FilterBar label="Filter agents" count={(all) => counted(all, "agent")} query={query} onQuery={setQuery} shown={shown.length}
            total={ids.length} onClear={query ? () => setQuery("") : undefined}>
            {show && <FilterChip label="Show all agents" onRemove={showAll}>Away, silent, behind, losing data or with a wrong clock</FilterChip>}
          </FilterBar>
        )}
        <span className="flex-1" />
        {mayAdd && (
          <Button look="solid" onClick={() => setMaking(true)}>
            <Icon name="plus" size={14} /> New agent
          </Button>
        )}
      </PageHead>
      <TableError table={live.agents} className="mx-4" />
      {ids.length === 0 && phase !== "ready" && phase !== "failed" && <Skeleton label="Loading agents" />}
      {ids.length === 0 && phase === "ready" && (
        <Empty title={scope.tenant ? `No agent of ${scope.tenant.name} yet` : "No agent yet"}>
          <p>
            An agent runs at each site, on anything from a server to a small board. It opens one
            connection to this collector; nothing at the site listens.{" "}
            {mayAdd ? "One line enrols it; then it finds the devices of its site." : "An operator of your tenant can enrol one."}
          </p>
          {mayAdd && (
            <span className="flex flex-wrap gap-2">
              <SetupLink />
              <Button onClick={() => setMaking(true)}>Only make a token</Button>
            </span>
          )}
        </Empty>
      )}
      {ids.length > 0 && (
        <table className="w-full border-collapse phone:block" aria-label="Agents">
          <TableHead columns={scope.isMixed ? COLUMNS : OF_ONE_TENANT} sorting={sorting} onSort={setSorting}
            hasActions={canChange} actionClass={DESK} />
          <tbody className={BODY}>
            {shown.map((id) => (
              <AgentRow key={id} id={id} beside={beside} hasActions={canChange} onEdit={mayOf(id).write ? setEditing : null} />
            ))}
          </tbody>
        </table>
      )}
      {show && ids.length > 0 && shown.length === 0 && !text && <Empty title="All agents deliver"><p>None is away, silent or behind, none has lost anything within 24 hours, and their clocks are right.</p></Empty>}
      <NewAgent open={making} onOpenChange={setMaking} />
      <EditAgent agent={editing} onClose={() => setEditing(null)} />
    </div>
    <Suspense>{open && !phone && <AgentPanel id={open} onClose={() => setOpen(undefined)} />}</Suspense>
    </div>
  );
}
