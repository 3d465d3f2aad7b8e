import { useNavigate, useSearch } from "@tanstack/react-router";
import { Tabs } from "radix-ui";
import { lazy, type ReactNode, Suspense, useCallback } from "react";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import type { Device, DeviceDetail } from "../../lib/types";
import { useOffline } from "../agents/offline";
import { type Chosen, DeviceCharts } from "./device-charts";
import { objectName } from "./object-name";
import { InterfaceTable, useInterfaceOrder } from "./interface-table";
import { busiest } from "./interface-table-order";
import { NoInterfaces } from "./no-interfaces";
import { LOAD, LOAD_CHARTS } from "./object-charts";
import { metricsFor } from "./metrics";
import { useObjects } from "./use-objects";
import { useMetrics } from "./use-series";

const HardwareTab = lazy(() => import("./hardware-tab").then((m) => ({ default: m.HardwareTab })));
const DeviceConfig = lazy(() => import("../config/device-config").then((m) => ({ default: m.DeviceConfig })));

/** What the device has, and beside it the charts of what is chosen of that. */
interface Props {
  device: Device;
  missing: DeviceDetail["missing"];
  hasCredential: boolean;
}

export function DeviceTabs({ device, missing, hasCredential }: Props) {
  const { id } = device;
  const search = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const tab = search.tab ?? "interfaces";
  const isHardware = tab === "hardware";
  const isConfig = tab === "config";
  const offline = useOffline(device.agent.id);
  const order = useInterfaceOrder(id);
  const phase = useTableValue(live.interfaces(id), (table) => table.phase);
  const objects = useObjects(device, isHardware);
  const infos = useMetrics(id).data;
  const hasLoad = infos !== undefined && metricsFor(infos, "", LOAD_CHARTS).length > 0;

  const port = search.if || busiest(order)?.object || null;
  const choosePort = useCallback(
    (object: string) => void navigate({ search: (old) => ({ ...old, if: object }), replace: true, resetScroll: false }),
    [navigate],
  );
  const chooseObject = useCallback(
    (object: string) => void navigate({ search: (old) => ({ ...old, of: object }), replace: true, resetScroll: false }),
    [navigate],
  );
  const open = (next: string) =>
    void navigate({ search: (old) => ({ ...old, tab: next === "hardware" || next === "config" ? next : undefined }), replace: true, resetScroll: false });

  const charted = (): Chosen => {
    if (isConfig) return { kind: "nothing" };
    if (isHardware) {
      if (!search.of) return { kind: "nothing" };
      const object = objects.data?.find((one) => one.object === search.of);
      const title = search.of === LOAD ? "Load average" : object ? objectName(object) : search.of;
      return { kind: "object", id: search.of, object, title };
    }
    const row = order.find((one) => one.object === port);
    if (!port && phase === "ready") return { kind: "nothing" };
    return { kind: "port", object: port, title: row ? `${row.name || row.object}${row.alias ? ` · ${row.alias}` : ""}` : "Interface" };
  };
  const values = objects.data?.filter(({ object }) => object !== "" && !object.startsWith("part:")).length ?? 0;

  return (
    <Tabs.Root value={tab} onValueChange={open} className="flex min-h-0 flex-col">
      <Tabs.List aria-label="Of this device" className="flex gap-1 border-b border-line px-4 phone:px-3">
        <Tab value="interfaces" count={order.length}>Interfaces</Tab>
        <Tab value="hardware" count={values}>Hardware</Tab>
        <Tab value="config" count={0}>Config</Tab>
      </Tabs.List>
      <div className="grid grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)] items-start gap-5 p-4 max-[1380px]:grid-cols-1 phone:p-3">
        <Tabs.Content value="interfaces" className="min-w-0" tabIndex={-1}>
          {order.length === 0 && phase === "ready"
            ? <NoInterfaces device={device} hasCredential={hasCredential} />
            : <InterfaceTable device={device} chosen={port} onChoose={choosePort} />}
        </Tabs.Content>
        <Tabs.Content value="hardware" className="min-w-0" tabIndex={-1}>
          <Suspense fallback={<div role="status" aria-label="Loading the hardware" className="min-h-48" />}>
            <HardwareTab device={device} missing={missing} objects={objects.data} error={objects.error} onRetry={() => void objects.refetch()}
              hasLoad={hasLoad} hasCredential={hasCredential} chosen={search.of ?? null} onChoose={chooseObject} />
          </Suspense>
        </Tabs.Content>
        <Tabs.Content value="config" className="min-w-0" tabIndex={-1}>
          <Suspense fallback={<div role="status" aria-label="Loading the configuration" className="min-h-48" />}>
            <DeviceConfig device={device} offline={offline} />
          </Suspense>
        </Tabs.Content>
        <DeviceCharts device={device} chosen={charted()} />
      </div>
    </Tabs.Root>
  );
}

function Tab({ value, count, children }: { value: string; count: number; children: ReactNode }) {
  return (
    <Tabs.Trigger value={value} data-tab={value}
      className="-mb-px inline-flex h-9 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-muted hover:text-text
        data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-text phone:h-11">
      {children}
      {count > 0 && <span className="text-xs font-normal text-muted">{integer(count)}</span>}
    </Tabs.Trigger>
  );
}
