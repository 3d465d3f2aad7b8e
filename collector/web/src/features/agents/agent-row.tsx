import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { bytes, dateOnly, duration, integer, NONE } from "../../lib/format";
import { useAgent, useEachSecond } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import type { Agent } from "../../lib/types";
import type { Beside } from "../../lib/use-beside";
import { rowClicks, rowMark } from "../../lib/use-row-keys";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ActionCell, Cell, ROW } from "../../ui/table-cell";
import { StateBadge } from "../../ui/state-badge";
import { useAgentState } from "./agent-state";
import { inMs, linkNote, notQuic, transportWord } from "./link";

/** A certificate lives seven days and is renewed at half of that. */
const CERTIFICATE_LOW_S = 2 * 86_400;

/** Where a narrow desk has no room for a column. */
export const ROOMY = "@max-[1370px]:hidden phone:flex!";
export const NARROW = "@max-[890px]:hidden phone:flex!";
/** Beside an open agent: the panel tells it. */
export const DESK = "@max-[820px]:hidden phone:flex!";

type Act = ((agent: Agent) => void) | null;

interface Props {
  id: string;
  beside: Beside;
  /** Something can be done with some of the rows. */
  hasActions: boolean;
  onEdit: Act;
  onRevoke: Act;
}

export function AgentRow({ id, beside, hasActions, onEdit, onRevoke }: Props) {
  const agent = useAgent(id);
  const { state, note } = useAgentState(agent);
  const names = useAgentNames();
  const { isMixed } = useScope();
  if (!agent) return null;
  const { buffer } = agent;
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
      <Cell label="Buffer" figure className={tone}>
        {buffer ? <>{integer(buffer.batches)} <span className="text-muted">· {bytes(buffer.bytes)}</span></> : NONE}
      </Cell>
      <Cell label="Oldest" figure className={`${tone} ${NARROW}`}><Age at={buffer?.oldest_at} /></Cell>
      <Cell label="Devices" figure>
        <Link to="/fleet" search={{ q: agent.name, tenant: agent.tenant.id }} title={`Devices of ${name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(agent.devices)}
        </Link>
      </Cell>
      <Cell label="Certificate" className={DESK}><Certificate agent={agent} /></Cell>
      {hasActions && (
        <ActionCell className={DESK}>
          {onEdit && !agent.revoked_at && (
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit ${name}`}
              onClick={() => onEdit(agent)}>
              Edit
            </Button>
          )}
          {onRevoke && !agent.revoked_at && (
            <Button look="quiet" className="h-7 phone:border phone:border-edge"
              aria-label={`Revoke ${name}`} onClick={() => onRevoke(agent)}>
              Revoke
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

function Certificate({ agent }: { agent: Agent }) {
  const left = useEachSecond(() => {
    if (!agent.certificate_expires_at) return null;
    return Math.floor((Date.parse(agent.certificate_expires_at) - serverNow()) / 60_000) * 60;
  });
  if (agent.revoked_at) return <span className="text-muted">revoked {dateOnly(agent.revoked_at)}</span>;
  if (left === null) return <>{NONE}</>;
  const low = left < CERTIFICATE_LOW_S;
  return (
    <span className={low ? "text-degraded" : ""} title={dateOnly(agent.certificate_expires_at)}>
      {left <= 0 ? "expired" : `${duration(left)} left`}
    </span>
  );
}
