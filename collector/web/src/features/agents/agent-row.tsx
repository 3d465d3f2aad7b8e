import { Link } from "@tanstack/react-router";
import { bytes, integer, NONE } from "../../lib/format";
import { toldNow, useAgent, useEachSecond } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { isBackfilling } from "../../lib/state";
import type { Agent } from "../../lib/types";
import type { Beside } from "../../lib/use-beside";
import { rowClicks, rowMark } from "../../lib/use-row-keys";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ActionCell, Cell, ROW } from "../../ui/table-cell";
import { StateBadge } from "../../ui/state-badge";
import { useAgentState } from "./agent-state";
import { inMs, linkNote, notQuic, transportWord } from "./link";

/** Where a narrow desk has no room for a column. */
export const ROOMY = "@max-[1370px]:hidden phone:flex!";
/** Beside an open agent: the panel tells it. */
export const DESK = "@max-[820px]:hidden phone:flex!";

type Act = ((agent: Agent) => void) | null;

interface Props {
  id: string;
  beside: Beside;
  /** Something can be done with some of the rows. */
  hasActions: boolean;
  onEdit: Act;
}

export function AgentRow({ id, beside, hasActions, onEdit }: Props) {
  const agent = useAgent(id);
  const { state, note } = useAgentState(agent);
  const names = useAgentNames();
  const { isMixed } = useScope();
  if (!agent) return null;
  const name = names.name(agent);
  // What a silent agent keeps was true when it was heard last.
  const tone = state === "up" || state === "degraded" ? "" : "stale";
  return (
    // The keyboard way is the page's: j, k and Enter.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events
    <tr {...rowMark(id, beside.chosen)} {...rowClicks(id, beside)} data-agent={id} className={`${ROW} data-chosen:bg-selected`}>
      <Cell><StateBadge state={state} note={note} /></Cell>
      <Cell title>
        <Link to="/agents/$id" params={{ id }} title={`${agent.platform ?? "platform unknown"} · ${agent.remote_addr ?? "not connected"}`}
          className="hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {name}
        </Link>
      </Cell>
      {isMixed && <Cell label="Tenant" className={`text-muted ${DESK}`}>{agent.tenant.name}</Cell>}
      <Cell label="Site" className="text-muted">{agent.site.name}</Cell>
      <Cell label="Version" className={DESK}>{agent.version ?? NONE}</Cell>
      <Cell label="Transport" className={DESK}><Transport agent={agent} /></Cell>
      <Cell label="Round trip" figure className={`${tone} ${ROOMY}`}>{inMs(agent.rtt_ms)}</Cell>
      <Cell label="Last ack" figure><Age at={agent.last_ack_at} /></Cell>
      <Cell label="Backlog" figure className={tone}><Backlog agent={agent} /></Cell>
      <Cell label="Devices" figure>
        <Link to="/fleet" search={{ q: agent.name, tenant: agent.tenant.id }} title={`Devices of ${name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(agent.devices)}
        </Link>
      </Cell>
      {hasActions && (
        <ActionCell className={DESK}>
          {onEdit && !agent.revoked_at && (
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit ${name}`}
              onClick={() => onEdit(agent)}>
              Edit
            </Button>
          )}
        </ActionCell>
      )}
    </tr>
  );
}

function Transport({ agent }: { agent: Agent }) {
  const note = linkNote(agent);
  return (
    <span title={notQuic(agent)?.hint || undefined}>
      {transportWord(agent.transport)}
      {note && <span className="ml-2 text-xs text-muted @max-[1090px]:hidden phone:inline!">{note}</span>}
    </span>
  );
}

/** What it has not sent yet. A batch that is on its way is none: it is sent every second. */
function Backlog({ agent }: { agent: Agent }) {
  const isBehind = useEachSecond(() => isBackfilling(agent, toldNow()));
  const { buffer } = agent;
  if (!buffer) return <>{NONE}</>;
  const whole = `${integer(buffer.batches)} ${buffer.batches === 1 ? "batch" : "batches"}, ${bytes(buffer.bytes)}`;
  if (!isBehind) return <span className="text-muted" title={whole}>none</span>;
  return <span className="text-degraded" title={whole}>{bytes(buffer.bytes)} · <Age at={buffer.oldest_at} /> old</span>;
}
