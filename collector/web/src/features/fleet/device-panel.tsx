import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { duration, integer, megabits, percent, shortModel, threeFigures } from "../../lib/format";
import { live, useDevice, useTableValue } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { causeHint } from "../../lib/state";
import type { Device } from "../../lib/types";
import { Age } from "../../ui/age";
import { Aside, TO_PAGE, TO_PAGE_LOOK } from "../../ui/aside";
import { Dotted } from "../../ui/dotted";
import { Empty } from "../../ui/empty";
import { Fact, Facts } from "../../ui/facts";
import { Part } from "../../ui/part";
import { Skeleton } from "../../ui/skeleton";
import { DeviceState } from "../../ui/state-badge";
import { OpenList, useOpenAlerts } from "../alerts/open-list";
import { BusiestPorts } from "./busiest-ports";
import { useShown, useTrust } from "./fleet-row";

const LINK = "text-accent hover:underline";

/** A device beside the list: how it is, what it carries and what is wrong with it. */
export function DevicePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const device = useDevice(id);
  const names = useDeviceNames();
  const isKnown = useTableValue(live.devices, (table) => table.phase === "ready");
  const name = device ? names.name(device) : "Device";
  return (
    <Aside of="device" id={id} onClose={onClose} description={device && `${device.site.name} · ${device.tenant.name}`}
      title={<Link to="/devices/$id" params={{ id }} className="hover:underline"><Dotted name={name} /></Link>}>
      {device ? <Body device={device} /> : isKnown
        ? <Empty title="Not here"><p>It was removed, or it is another tenant's.</p></Empty>
        : <Skeleton label="Loading the device" rows={6} />}
    </Aside>
  );
}

function Body({ device }: { device: Device }) {
  const [state, cause] = useShown(device);
  const hint = state === "up" ? null : causeHint(cause);
  return (
    <>
      <div className="flex flex-col gap-1">
        <div className="flex items-center justify-between gap-3">
          <DeviceState state={state} cause={cause} />
          <span className="shrink-0 text-xs text-muted">{device.last_sample_at ? <>last sample <Age at={device.last_sample_at} long /></> : "no sample yet"}</span>
        </div>
        {hint && <p className="text-muted" data-hint={cause}>{hint}</p>}
      </div>
      <AlertsPart device={device} />
      <BusiestPorts device={device.id} isKnown={useTrust(device) !== "gone"} />
      <FactsPart device={device} />
      <Link to="/devices/$id" params={{ id: device.id }} className={TO_PAGE_LOOK}>{TO_PAGE}</Link>
    </>
  );
}

function AlertsPart({ device: { id, tenant } }: { device: Device }) {
  useEffect(() => live.ensureAlerts(), []);
  const ids = useOpenAlerts((alert) => alert.device?.id === id);
  return (
    <Part title="Open alerts">
      {ids.length > 0 ? <OpenList ids={ids} of={{ device: id, tenant: tenant.id }} /> : <p className="text-muted">None.</p>}
    </Part>
  );
}

/** What is known of it; what nobody has told has no line. */
function FactsPart({ device }: { device: Device }) {
  const { agent, site, icmp } = device;
  const isGone = useTrust(device) === "gone";
  const bySnmp = (value: number | null, text: (known: number) => string) => (isGone || value === null ? null : text(value));
  const lines: readonly (readonly [string, ReactNode])[] = [
    ["Address", <span key="address" className="select-all">{device.address}</span>],
    ["Model", device.model && shortModel(device.model)],
    ["System name", device.sys_name],
    ["Traffic", bySnmp(device.in_bps, (bps) => `${megabits(bps)} in, ${megabits(device.out_bps)} out, Mb/s`)],
    ["Round trip", device.rtt_ms !== null && `${threeFigures(device.rtt_ms)} ms`],
    ["Echoes lost", icmp && typeof icmp.loss_percent === "number" && `${percent(icmp.loss_percent / 100)} %`],
    ["Processor", bySnmp(device.cpu_percent, (share) => `${percent(share / 100)} % on average`)],
    ["Temperature", bySnmp(device.temperature_celsius, (degrees) => `${integer(degrees)} °C`)],
    ["Uptime", bySnmp(device.uptime_s, duration)],
    ["Polled", <>every {duration(device.interval_s)} by <Link to="/agents/$id" params={{ id: agent.id }} className={`${LINK} underline underline-offset-4`}>{agent.name}</Link></>],
    ["Site", <Link key="site" to="/sites/$id" params={{ id: site.id }} className={LINK}>{site.name}</Link>],
    ["Tags", device.tags.join(", ")],
  ];
  return <Facts>{lines.map(([name, value]) => value && <Fact key={name} name={name}>{value}</Fact>)}</Facts>;
}
