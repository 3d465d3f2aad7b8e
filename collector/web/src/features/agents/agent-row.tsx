import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { serverNow } from "../../lib/clock";
import { bytes, dateOnly, duration, integer, NONE } from "../../lib/format";
import { useAgent, useEachSecond } from "../../lib/live-app";
import { isBackfilling, shownAgent } from "../../lib/state";
import type { Agent, State } from "../../lib/types";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { StateBadge } from "../../ui/state-badge";

/** A certificate lives seven days and is renewed at half of that. */
const CERTIFICATE_LOW_S = 2 * 86_400;

/** State and a word on it, as one string: the second hand renders the row only when it turns. */
function shown(agent: Agent): string {
  const now = serverNow();
  const state = shownAgent(agent, now);
  if (agent.revoked_at) return `${state} revoked`;
  if (state !== agent.state) return `${state} stale`;
  return state === "up" && isBackfilling(agent, now) ? `${state} backfilling` : `${state} `;
}

export function AgentRow({ id, onRevoke }: { id: string; onRevoke: ((agent: Agent) => void) | null }) {
  const agent = useAgent(id);
  const [state, word] = useEachSecond(() => (agent ? shown(agent) : "unknown ")).split(" ");
  if (!agent) return null;
  const { buffer } = agent;
  // What a silent agent keeps was true when it was heard last.
  const tone = state === "up" || state === "degraded" ? "" : "stale";
  return (
    <tr
      data-agent={id}
      className="h-9 border-b border-line hover:bg-hover phone:grid phone:h-auto phone:grid-cols-2 phone:gap-x-3
        phone:gap-y-1.5 phone:rounded-lg phone:border phone:bg-surface phone:p-3"
    >
      <Cell><StateBadge state={state as State} note={word || null} /></Cell>
      <Cell className="font-medium phone:order-first phone:col-span-2 phone:text-base">
        <span title={`${agent.platform ?? "platform unknown"} · ${agent.remote_addr ?? "not connected"}`}>
          {agent.name}
        </span>
      </Cell>
      <Cell className="text-muted">{agent.tenant.name} · {agent.site.name}</Cell>
      <Cell label="Version">{agent.version ?? NONE}</Cell>
      <Cell label="Transport">{agent.transport ? agent.transport.toUpperCase() : NONE}</Cell>
      <Cell label="Last ack" num><Age at={agent.last_ack_at} /></Cell>
      <Cell label="Buffer" num className={tone}>
        {buffer ? <>{integer(buffer.batches)} <span className="text-muted">· {bytes(buffer.bytes)}</span></> : NONE}
      </Cell>
      <Cell label="Oldest" num className={tone}><Age at={buffer?.oldest_at} /></Cell>
      <Cell label="Devices" num>
        <Link to="/fleet" search={{ q: agent.name }} title={`Devices of ${agent.name}`}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {integer(agent.devices)}
        </Link>
      </Cell>
      <Cell label="Certificate"><Certificate agent={agent} /></Cell>
      <Cell className="text-right phone:col-span-2">
        {!agent.revoked_at && onRevoke && (
          <Button look="quiet" className="h-7 phone:w-full phone:border phone:border-edge"
            aria-label={`Revoke ${agent.name}`} onClick={() => onRevoke(agent)}>
            Revoke
          </Button>
        )}
      </Cell>
    </tr>
  );
}

function Cell({ children, className = "", num, label }: {
  children: ReactNode; className?: string; num?: boolean; label?: string;
}) {
  return (
    <td className={`px-2 first:pl-4 last:pr-4 phone:px-0! ${num ? "num phone:text-left" : ""} ${className}`}>
      {label && <span className="mr-2 hidden text-xs text-muted phone:inline">{label}</span>}
      {children}
    </td>
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
