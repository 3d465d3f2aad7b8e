import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { serverNow } from "../../lib/clock";
import { counted, duration, integer } from "../../lib/format";
import { live, useDevice, useEachSecond, useTableValue } from "../../lib/live-app";
import type { Device } from "../../lib/types";
import { Age } from "../../ui/age";
import { DeviceState, StateShape } from "../../ui/state-badge";
import { inMs } from "../agents/link";
import { useShown } from "../fleet/fleet-row";
import { rulesQuery } from "../rules/rules";
import { byFirst } from "./added-by";

const FirstChart = lazy(() => import("./first-chart").then((m) => ({ default: m.FirstChart })));

/** So many of them stand here; the fleet has all. */
const LISTED = 8;
const BUTTON = "inline-flex h-8 items-center rounded-md px-3 phone:min-h-11";
const PLAIN = "border border-edge bg-surface hover:bg-hover";
const LINK = "text-accent underline underline-offset-4 phone:inline-flex phone:min-h-11 phone:items-center";

/** The devices that were adopted, from nothing to their first values. */
export function FirstValues({ ids, tenant }: { ids: readonly string[]; tenant: string }) {
  const [firstId, setFirstId] = useState<string | null>(null);
  useTableValue(live.devices, (table) => ids.map((id) => (table.get(id)?.last_sample_at ? 1 : 0)).join(""));
  const devices = ids.flatMap((id) => live.devices.get(id) ?? []).toSorted(byFirst);
  const sampled = devices.find(({ last_sample_at: at }) => at !== null);
  // It stays that one when others follow.
  if (firstId === null && sampled) setFirstId(sampled.id);
  const first = devices.find(({ id }) => id === firstId);
  return (
    <>
      {first ? <First key={first.id} device={first} /> : (
        <p role="status" className="flex items-center gap-3"><StateShape state="unknown" /> Waiting for the first sample…</p>
      )}
      <WhatNext tenant={tenant} />
      <ul aria-label="Adopted devices" className="m-0 flex max-w-[620px] list-none flex-col p-0">
        {devices.slice(0, LISTED).map(({ id }) => <Row key={id} id={id} />)}
      </ul>
      {devices.length > LISTED && <Link to="/fleet" className={LINK}>All {counted(devices.length, "device")} in the fleet</Link>}
    </>
  );
}

/** Who looks at them from now on, and where one goes from here. */
function WhatNext({ tenant }: { tenant: string }) {
  const on = useQuery(rulesQuery(tenant)).data?.filter(({ enabled }) => enabled).length;
  return (
    <div className="flex flex-col gap-2.5" data-what-next>
      {on !== undefined && (
        <p className="max-w-[62ch]">
          {on === 0 ? "No alert rule is on: nothing will call what goes wrong." : `${counted(on, "alert rule")} ${on === 1 ? "is" : "are"} on: what goes wrong shows under Alerts by itself.`}
        </p>
      )}
      <p className="flex flex-wrap gap-2">
        <Link to="/fleet" className={`${BUTTON} bg-solid font-medium text-on-solid hover:opacity-95`}>Open the fleet</Link>
        <Link to="/settings/notifications" className={`${BUTTON} ${PLAIN}`}>Choose who is told</Link>
        <Link to="/alerts/rules" className={`${BUTTON} ${PLAIN}`}>{on === 0 ? "Switch rules on" : "Try an alert rule"}</Link>
        <Link to="/setup" search={{}} className={`${BUTTON} ${PLAIN}`}>Set up the next site</Link>
      </p>
    </div>
  );
}

function First({ device }: { device: Device }) {
  const row = useDevice(device.id);
  // The very first one, while later ones come.
  const [at] = useState(device.last_sample_at);
  if (!row) return null;
  const tookS = at === null ? null : Math.round((Date.parse(at) - Date.parse(row.created_at)) / 1000);
  const isFirst = tookS !== null && tookS >= 0 && tookS <= 2 * row.interval_s;
  return (
    <div className="flex max-w-[720px] flex-col gap-3" data-first-value={row.id}>
      <p role="status">
        <Link to="/devices/$id" params={{ id: row.id }} className="touch font-medium text-accent underline underline-offset-4">{row.name}</Link>{" "}
        {isFirst ? `has told its first sample after ${duration(tookS)}` : "tells its samples"}:{" "}
        {row.rtt_ms !== null ? <>it answers in <span className="num font-medium">{inMs(row.rtt_ms)}</span></> : "it is asked"}
        {row.interfaces_total > 0 && <>, <span className="num font-medium">{integer(row.interfaces_up)}</span> of {counted(row.interfaces_total, "interface")} up</>}.
      </p>
      <Suspense><FirstChart device={row} /></Suspense>
    </div>
  );
}

function Row({ id }: { id: string }) {
  const device = useDevice(id);
  const [state, cause] = useShown(device);
  const isNew = useEachSecond(() => !!device && device.last_sample_at === null && serverNow() - Date.parse(device.created_at) < 2000 * device.interval_s);
  if (!device) return null;
  return (
    <li className="flex min-h-9 flex-wrap items-center gap-x-4 gap-y-1 border-b border-line py-1 last:border-b-0" data-first-row={id}>
      <span className="min-w-0 flex-1"><Link to="/devices/$id" params={{ id }} className="font-medium text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">{device.name}</Link></span>
      <DeviceState state={state} cause={cause} />
      <span className="w-28 text-right text-xs text-muted">{isNew ? "first poll soon" : <Age at={device.last_sample_at} long />}</span>
    </li>
  );
}
