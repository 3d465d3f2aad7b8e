import { Link } from "@tanstack/react-router";
import { Fragment, memo, type ReactNode, useEffect } from "react";
import { serverNow } from "../../lib/clock";
import { duration, integer, megabits, NONE, percent, shortModel, threeFigures } from "../../lib/format";
import { live, useDevice, useEachSecond, useRowValue } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { isDim, type ShownCause, shownState } from "../../lib/state";
import type { Agent, Device, State } from "../../lib/types";
import { Age } from "../../ui/age";
import { type GridRow, rowProps } from "../../ui/grid-row";
import { DeviceState } from "../../ui/state-badge";
import type { FleetColumn } from "./columns";
import { snmpNews, type Trust } from "../device/snmp-news";

/** What of an agent tells why its devices were not polled. */
const newsOf = (agent: Agent | undefined) => (agent ? `${agent.last_seen_at ? "seen" : ""} ${agent.revoked_at ?? ""}` : "unknown");

/** State as one string, so that the second hand renders a row only when it turns. */
export function useShown(device: Device | undefined): [State, ShownCause | null, boolean] {
  useRowValue(live.agents, device?.agent.id ?? "", newsOf);
  const text = useEachSecond(() => {
    if (!device) return "unknown  ";
    const now = serverNow();
    const { state, cause } = shownState(device, now, { agent: live.agents.get(device.agent.id) });
    // Of what nobody can tell any more, no figure is of now, however young it is.
    return `${state} ${cause ?? ""} ${state === "unknown" || isDim(device.last_sample_at, device.interval_s, now) ? 1 : ""}`;
  });
  const [state, cause, dim] = text.split(" ");
  // What a first poll waits for may be its agent; one that is offline may never have come.
  useEffect(() => {
    if (cause === "pending" || cause === "agent_offline") live.ensureAgents();
  }, [cause]);
  return [state as State, (cause || null) as ShownCause | null, dim === "1"];
}

/** How far the figures are to be believed that SNMP told. */
export function useTrust(device: Device | undefined): Trust {
  return useEachSecond(() => (device ? snmpNews(device, serverNow()).trust : "good"));
}

/** Ports that are up and all of them; a dash alone where none was ever told. */
export function PortCount({ device: { interfaces_up: up, interfaces_total: total }, isKnown }: {
  device: Pick<Device, "interfaces_up" | "interfaces_total">; isKnown: boolean;
}) {
  if (total === 0) return NONE;
  return <>{integer(isKnown ? up : null)}<span className="text-muted">/{integer(total)}</span></>;
}

/** Per cent from which on a figure is worth a look. */
const LOSS_HIGH = 20;
const CPU_HIGH = 90;

function Share({ percentage, high, tone, cell, by }: {
  percentage: number | null | undefined; high: number; tone: string; cell: string; by?: "snmp";
}) {
  const isHigh = typeof percentage === "number" && percentage >= high;
  return (
    <div role="gridcell" className={`${tone} ${isHigh ? "text-degraded" : ""}`} data-timed={by ?? ""} data-cell={cell}>
      {percent(typeof percentage === "number" ? percentage / 100 : null)}
    </div>
  );
}

/** The line of the heads and of each row; the list says how wide its columns are. */
export const FLEET_GRID = "grid grid-cols-(--columns) items-center gap-x-3.5 px-4";

/** The ends of two addresses tell them apart: one without room is cut before its last letters. */
const ADDRESS_END = 10;

function Address({ of }: { of: string }) {
  return (
    <div role="gridcell" className="flex min-w-0 text-muted" title={of} data-cell="address">
      <span className="clip">{of.slice(0, -ADDRESS_END)}</span><span className="shrink-0">{of.slice(-ADDRESS_END)}</span>
    </div>
  );
}

interface Props extends GridRow {
  /** After state and name, which every row begins with. */
  columns: readonly FleetColumn[];
}

export const FleetRow = memo(function FleetRow({ id, index, selected, marked, onMark, style, columns }: Props) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const trust = useTrust(device);
  const names = useDeviceNames();
  if (!device) return null;
  const name = names.name(device);
  // Nobody has asked the ports of a device that does not answer.
  const portsKnown = trust !== "gone" && (state === "up" || state === "degraded");
  const tone = `num ${dim ? "stale" : ""}`;
  const toneOfSnmp = `num ${dim || trust === "old" ? "stale" : ""}`;
  const bySnmp = (value: number | null) => (trust === "gone" ? null : value);
  const cells: Readonly<Record<string, ReactNode>> = {
    tenant: <div role="gridcell" className="clip text-muted">{device.tenant.name}</div>,
    site: <div role="gridcell" className="clip text-muted">{device.site.name}</div>,
    address: <Address of={device.address} />,
    model: <div role="gridcell" className="clip text-muted" title={device.model ?? undefined}>{shortModel(device.model)}</div>,
    interfaces: <div role="gridcell" className={`${toneOfSnmp}`} data-timed="snmp"><PortCount device={device} isKnown={portsKnown} /></div>,
    in: <div role="gridcell" className={`${toneOfSnmp}`} data-timed="snmp" data-cell="in">{megabits(bySnmp(device.in_bps))}</div>,
    out: <div role="gridcell" className={`${toneOfSnmp}`} data-timed="snmp" data-cell="out">{megabits(bySnmp(device.out_bps))}</div>,
    rtt: <div role="gridcell" className={`${tone}`} data-timed="">{threeFigures(device.rtt_ms)}</div>,
    loss: <Share percentage={device.icmp?.loss_percent} high={LOSS_HIGH} tone={tone} cell="loss" />,
    cpu: <Share percentage={bySnmp(device.cpu_percent)} high={CPU_HIGH} tone={toneOfSnmp} cell="cpu" by="snmp" />,
    uptime: <div role="gridcell" className={`${toneOfSnmp}`} data-timed="snmp">{duration(bySnmp(device.uptime_s))}</div>,
    age: <div role="gridcell" className="num text-muted"><Age at={device.last_sample_at} /></div>,
  };
  return (
    <div
      {...rowProps({ id, index, selected, marked, style })}
      data-device={id}
      data-sample-at={device.last_sample_at ?? ""}
      className={`${FLEET_GRID} absolute inset-x-0 border-b border-line ${
        selected || marked ? "bg-selected" : "hover:bg-hover"
      }`}
    >
      <div role="gridcell" className="clip flex items-center">
        {marked === null && onMark && <span className="mr-1 w-6 shrink-0" />}
        {marked !== null && (
          <label className="mr-1 inline-flex h-7 w-6 shrink-0 items-center" title="Mark (x or Space)">
            <input type="checkbox" tabIndex={-1} aria-label={`Mark ${name}`} className="size-3.5 accent-accent" checked={marked}
              onChange={() => onMark?.(id)} />
          </label>
        )}
        <DeviceState state={state} cause={cause} />
      </div>
      <div role="gridcell" className="clip" title={[name, ...device.tags].join(" · ")}>
        <Link to="/devices/$id" params={{ id }} tabIndex={-1} className="font-medium hover:underline">
          {name}
        </Link>
        {device.tags.length > 0 && <span className="ml-2 text-xs text-muted" data-tags>{device.tags.join(" · ")}</span>}
      </div>
      {columns.map(({ id: column }) => <Fragment key={column}>{cells[column]}</Fragment>)}
    </div>
  );
});
