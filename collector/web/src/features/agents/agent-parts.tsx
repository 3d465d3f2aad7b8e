import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId } from "react";
import { serverNow } from "../../lib/clock";
import { api, take } from "../../lib/api";
import { counted, dateTime, NONE } from "../../lib/format";
import { toldNow, useEachSecond } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { ageSeconds, isClockOff, shownAgent } from "../../lib/state";
import type { Agent } from "../../lib/types";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Fact, Facts } from "../../ui/facts";
import { Part } from "../../ui/part";
import { StateBadge } from "../../ui/state-badge";
import { AgentAlerts } from "../alerts/open-list";
import { PastScans } from "../setup/past-scans";
import { certificateOf, useAgentState } from "./agent-state";
import { AWAY, clockWords, inMs, inPercent, lostWords, notQuic, transportWord } from "./link";
import { useOffline } from "./offline";

const LINK = "text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center";

/** How it is, and when it was heard. */
export function AgentHeadLine({ agent }: { agent: Agent }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <StateBadge {...useAgentState(agent)} />
      <span className="text-xs text-muted">{agent.last_seen_at ? <>heard <Age at={agent.last_seen_at} long /></> : "never connected"}</span>
    </div>
  );
}

export function AgentAlertsPart({ agent }: { agent: Agent }) {
  return <Part title="Open alerts"><AgentAlerts agent={agent.id} tenant={agent.tenant.id} /></Part>;
}

export function ScansPart({ agent }: { agent: Agent }) {
  const may = useMayIn()(agent.tenant.id);
  return <PastScans agent={agent.id} mayScan={may.write && !agent.revoked_at} />;
}

/** `isPanel`: the devices do not stand beside it. */
export function MachinePart({ agent, isPanel = false }: { agent: Agent; isPanel?: boolean }) {
  return (
    <Part title="Machine">
      <Facts>
        <Fact name="Version">{agent.version ?? NONE}</Fact>
        <Fact name="Platform">{agent.platform ?? NONE}</Fact>
        <Fact name="Seen from">{agent.remote_addr ?? NONE}</Fact>
        <Fact name="Enrolled">{dateTime(agent.created_at)}</Fact>
        <Fact name="Site">
          <Link to="/sites/$id" params={{ id: agent.site.id }} className={LINK}>{agent.site.name}</Link>
        </Fact>
        {isPanel && (
          <Fact name="Polls">
            <Link to="/fleet" search={{ q: agent.name, tenant: agent.tenant.id }} className={LINK}>{counted(agent.devices, "device")}</Link>
          </Fact>
        )}
        {agent.revoked_at ? <Fact name="Revoked">{dateTime(agent.revoked_at)}</Fact> : <Certificate agent={agent} />}
      </Facts>
    </Part>
  );
}

function Certificate({ agent }: { agent: Agent }) {
  const told = useEachSecond(() => {
    const found = certificateOf(agent, serverNow());
    return found && `${found.isLate ? "late" : "well"} ${found.word}`;
  });
  if (told === null) return null;
  const isLate = told.startsWith("late");
  const word = told.slice(5).replace("certificate ", "");
  return (
    <Fact name="Certificate">
      <span className={isLate ? "text-degraded" : ""}>{word}</span>
      <span className="text-muted">{isLate ? ": it should have been renewed by now" : "; it renews itself"}</span>
    </Fact>
  );
}

/** What carries its session. */
export function LinkPart({ agent }: { agent: Agent }) {
  const isHere = useEachSecond(() => ["up", "degraded"].includes(shownAgent(agent, toldNow())));
  const may = useMayIn()(agent.tenant.id);
  const reason = notQuic(agent);
  return (
    <Part title="Connection to the collector">
      <Facts>
        <Fact name="Transport">
          <span data-transport>{transportWord(agent.transport)}</span>
          {agent.transport && agent.proxied && " through an HTTP proxy"}
          {reason && <span className="text-degraded"> {reason.word}</span>}
        </Fact>
        <Fact name="Since">{agent.connected_since ? <Age at={agent.connected_since} long /> : agent.offline_reason === "stopped" ? "stopped in order" : "not connected"}</Fact>
        <Fact name="Round trip">{inMs(agent.rtt_ms)}</Fact>
        <Fact name="Packets lost">{agent.loss_percent === null ? lostWords(agent, isHere) : inPercent(agent.loss_percent)}</Fact>
        {agent.clock_offset_ms !== null && <Fact name="Clock">{isHere ? <Clock offsetMs={agent.clock_offset_ms} /> : AWAY}</Fact>}
      </Facts>
      {reason?.hint && <p className="rounded-md border border-edge bg-degraded-soft px-3 py-2" data-hint={agent.transport_reason}>{reason.hint}</p>}
      {may.write && !agent.revoked_at && <Ping id={agent.id} />}
    </Part>
  );
}

function Clock({ offsetMs }: { offsetMs: number }) {
  const isOff = isClockOff(offsetMs);
  return <span data-clock={isOff ? "off" : "right"} className={isOff ? "text-degraded" : ""} title={`${inMs(Math.abs(offsetMs))} ${offsetMs > 0 ? "behind" : "ahead"}`}>{isOff ? clockWords(-offsetMs) : "right"}</span>;
}

function Ping({ id }: { id: string }) {
  const offline = useOffline(id);
  const why = useId();
  const ping = useMutation({
    mutationFn: async () => (await take(api.POST("/api/v1/agents/{id}/ping", { params: { path: { id } }, body: {} }))).data,
  });
  return (
    <div className="flex flex-col gap-2">
      <div className="flex min-h-8 items-center gap-3">
        <Button onClick={() => ping.mutate()} disabled={ping.isPending || offline !== null} data-ping
          title={offline ?? "Ask it whether it answers"} aria-describedby={offline ? why : undefined}>
          {ping.isPending ? "Asking…" : "Ping"}
        </Button>
        {offline && <span id={why} data-offline className="min-w-0 text-xs text-muted">{offline}</span>}
        <span role="status" className="min-w-0">
          {ping.data && <>Answered in {inMs(ping.data.rtt_ms)}. {clockWords(ping.data.clock_ahead_ms)}</>}
        </span>
      </div>
      {ping.error && <ErrorNote error={ping.error} />}
    </div>
  );
}

/** The first hop of the site: when it answers and the devices do not, the fault is theirs. */
export function GatewayPart({ agent }: { agent: Agent }) {
  const { gateway, connected_since: since } = agent;
  // Told with its heartbeats: not by one that is away, nor in the first moments.
  const isTold = useEachSecond(() => (ageSeconds(since, toldNow()) ?? 0) > GATEWAY_AFTER_S);
  return (
    <Part title="The site's gateway">
      {gateway ? (
        <Facts>
          <Fact name="Address"><span className="select-all">{gateway.address}</span></Fact>
          <Fact name="Round trip">{inMs(gateway.rtt_ms)}{gateway.jitter_ms !== null && `, ${inMs(gateway.jitter_ms)} jitter`}</Fact>
          <Fact name="Packets lost"><span className={gateway.loss_percent >= LOSS_HIGH ? "text-degraded" : ""}>{inPercent(gateway.loss_percent)}</span></Fact>
          <Fact name="Asked"><Age at={gateway.at} long /></Fact>
        </Facts>
      ) : (
        <p className="text-muted">
          {isTold ? "Nothing known: the agent pings the first hop of its site if its system lets it send echo requests." : since ? "Not known yet." : `${AWAY[0]?.toUpperCase()}${AWAY.slice(1)}.`}
        </p>
      )}
    </Part>
  );
}

const LOSS_HIGH = 20;
const GATEWAY_AFTER_S = 60;
