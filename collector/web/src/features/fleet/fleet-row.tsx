import { Link } from "@tanstack/react-router";
import { type CSSProperties, memo, useEffect } from "react";
import { serverNow } from "../../lib/clock";
import { duration, integer, megabits, milliseconds, percent, shortModel } from "../../lib/format";
import { live, useDevice, useEachSecond, useRowValue } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { isDim, type ShownCause, shownState } from "../../lib/state";
import type { Agent, Device, State } from "../../lib/types";
import { Age } from "../../ui/age";
import { DeviceState } from "../../ui/state-badge";

interface Props {
  id: string;
  index: number;
  selected: boolean;
  /** For one change with others; null where nothing can be changed. */
  marked: boolean | null;
  onMark: ((id: string) => void) | undefined;
  style: CSSProperties;
}

/** What of an agent tells why its devices were not polled. */
const newsOf = (agent: Agent | undefined) => (agent ? `${agent.last_seen_at ? "seen" : ""} ${agent.revoked_at ?? ""}` : "unknown");

/** State as one string, so that the second hand renders a row only when it turns. */
export function useShown(device: Device | undefined): [State, ShownCause | null, boolean] {
  useRowValue(live.agents, device?.agent.id ?? "", newsOf);
  const text = useEachSecond(() => {
    if (!device) return "unknown  ";
    const now = serverNow();
    const { state, cause } = shownState(device, now, { agent: live.agents.get(device.agent.id) });
    return `${state} ${cause ?? ""} ${isDim(device.last_sample_at, device.interval_s, now) ? 1 : ""}`;
  });
  const [state, cause, dim] = text.split(" ");
  // What a first poll waits for may be its agent.
  useEffect(() => {
    if (cause === "pending") live.ensureAgents();
  }, [cause]);
  return [state as State, (cause || null) as ShownCause | null, dim === "1"];
}

/** Per cent from which on a figure is worth a look. */
const LOSS_HIGH = 20;
const CPU_HIGH = 90;

function Share({ percentage, high, tone, cell }: {
  percentage: number | null | undefined; high: number; tone: string; cell: string;
}) {
  const isHigh = typeof percentage === "number" && percentage >= high;
  return (
    <div role="gridcell" className={`${tone} fleet-wider ${isHigh ? "text-degraded" : ""}`} data-timed data-cell={cell}>
      {percent(typeof percentage === "number" ? percentage / 100 : null)}
    </div>
  );
}

export const FleetRow = memo(function FleetRow({ id, index, selected, marked, onMark, style }: Props) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const names = useDeviceNames();
  const { isMixed } = useScope();
  if (!device) return null;
  const name = names.name(device);
  // Nobody has asked the ports of a device that does not answer.
  const portsKnown = state === "up" || state === "degraded";
  const tone = `num ${dim ? "stale" : ""}`;
  return (
    <div
      role="row"
      id={`row-${id}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-device={id}
      data-sample-at={device.last_sample_at ?? ""}
      className={`fleet-grid ${isMixed ? "" : "one-tenant"} absolute inset-x-0 border-b border-line ${
        selected || marked ? "bg-selected" : "hover:bg-hover"
      }`}
      style={style}
    >
      <div role="gridcell" className="clip flex items-center">
        {marked !== null && (
          <label className="mr-1 inline-flex h-7 w-6 shrink-0 items-center" title="Mark (x)">
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
      {isMixed && <div role="gridcell" className="clip text-muted">{device.tenant.name}</div>}
      <div role="gridcell" className="clip text-muted">{device.site.name}</div>
      <div role="gridcell" className="clip fleet-wide text-muted" title={device.address}>
        {device.address}
      </div>
      <div role="gridcell" className="clip fleet-wide text-muted" title={device.model ?? undefined}>
        {shortModel(device.model)}
      </div>
      <div role="gridcell" className={tone} data-timed>
        {integer(portsKnown ? device.interfaces_up : null)}
        <span className="text-muted">/{integer(device.interfaces_total)}</span>
      </div>
      <div role="gridcell" className={tone} data-timed data-cell="in">{megabits(device.in_bps)}</div>
      <div role="gridcell" className={tone} data-timed data-cell="out">{megabits(device.out_bps)}</div>
      <div role="gridcell" className={`${tone} fleet-wide`} data-timed>{milliseconds(device.rtt_ms)}</div>
      <Share percentage={device.icmp?.loss_percent} high={LOSS_HIGH} tone={tone} cell="loss" />
      <Share percentage={device.cpu_percent} high={CPU_HIGH} tone={tone} cell="cpu" />
      <div role="gridcell" className={`${tone} fleet-wide`} data-timed>{duration(device.uptime_s)}</div>
      <div role="gridcell" className="num text-muted">
        <Age at={device.last_sample_at} />
      </div>
    </div>
  );
});
