import { useNavigate, useSearch } from "@tanstack/react-router";
import { Tabs } from "radix-ui";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { label } from "../../lib/range";
import type { Device, DeviceDetail } from "../../lib/types";
import { wordsIn } from "../../lib/zone";
import { useCommands } from "../../lib/use-commands";
import { useOffline } from "../agents/offline";
import { type ChartScope, ChartScopeContext } from "../charts/chart-scope";
import { RangeBar } from "../charts/range-bar";
import { useWhy } from "../charts/use-why";
import { useTimeline } from "../timeline/use-timeline";
import { ALL_TABS, type Tab, TAB_WORD } from "./tabs";
import { usePageRange } from "./use-page-range";

const OverviewTab = lazy(() => import("./overview-tab").then((m) => ({ default: m.OverviewTab })));
const InterfacesTab = lazy(() => import("./interfaces-tab").then((m) => ({ default: m.InterfacesTab })));
const MetricsTab = lazy(() => import("./metrics-tab").then((m) => ({ default: m.MetricsTab })));
const EventsTab = lazy(() => import("./events-tab").then((m) => ({ default: m.EventsTab })));
const DeviceConfig = lazy(() => import("../config/device-config").then((m) => ({ default: m.DeviceConfig })));

interface Props {
  device: Device;
  detail: DeviceDetail;
  name: string;
  onEdit: () => void;
}

/** What is known of a device, a tab for each question; one range of time for all of them. */
export function DeviceTabs({ device, detail, name, onEdit }: Props) {
  const { id } = device;
  const tab: Tab = useSearch({ from: "/_app/devices/$id", select: (search) => search.tab }) ?? "overview";
  const navigate = useNavigate({ from: "/devices/$id" });
  const [asTable, setAsTable] = useState(false);
  const range = usePageRange(device);
  const happened = useTimeline(device, range.range, range.span);
  const offline = useOffline(device.agent.id);
  const ports = useTableValue(live.interfaces(id), (table) => table.size);
  const events = happened.items;
  const why = useWhy(device, range.zone);
  const scope = useMemo((): ChartScope => ({ range, asTable, events, device: id, name, why }), [range, asTable, events, id, name, why]);
  const open = (next: string) =>
    void navigate({ search: (old) => ({ ...old, tab: ALL_TABS.find((one) => one === next && one !== "overview") as Exclude<Tab, "overview"> | undefined }), resetScroll: false });
  useCommands(Object.fromEntries(ALL_TABS.map((one) => [`device.${one}`, () => open(one)])));
  const hasCredential = detail.snmp.credential !== "none" && !detail.snmp.damaged;
  return (
    <ChartScopeContext value={scope}>
      <Tabs.Root value={tab} onValueChange={open} className="flex min-h-0 flex-1 flex-col">
        <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line px-4 phone:px-3">
          <Tabs.List aria-label="Of this device" className="flex gap-1 self-end overflow-x-auto overflow-y-hidden print:hidden">
            {ALL_TABS.map((one, i) => <Trigger key={one} value={one} place={i + 1} count={one === "interfaces" ? ports : one === "events" ? events.length : 0} />)}
          </Tabs.List>
          <p className="hidden py-1 text-muted print:block">{label(range.range, wordsIn(range.zone).short)}{range.span && ` · ${wordsIn(range.zone).dateTime(range.span.from)} – ${wordsIn(range.zone).dateTime(range.span.to)} ${wordsIn(range.zone).name}`}</p>
          {tab !== "config" && <div className="py-1"><RangeBar range={range} asTable={asTable} onTable={setAsTable} canCompare={tab !== "events"} canTable={tab === "interfaces" || tab === "metrics"} /></div>}
        </div>
        <Content value="overview"><OverviewTab device={device} detail={detail} onEdit={onEdit} /></Content>
        <Content value="interfaces"><InterfacesTab device={device} hasCredential={hasCredential} happened={happened} /></Content>
        <Content value="metrics"><MetricsTab device={device} missing={detail.missing} hasCredential={hasCredential} happened={happened} /></Content>
        <Content value="events"><EventsTab device={device} happened={happened} /></Content>
        <Content value="config"><div className="max-w-[1080px]"><DeviceConfig device={device} offline={offline} /></div></Content>
      </Tabs.Root>
    </ChartScopeContext>
  );
}

function Content({ value, children }: { value: Tab; children: ReactNode }) {
  return (
    <Tabs.Content value={value} className="min-w-0 flex-1 p-4 phone:p-3" tabIndex={-1}>
      <Suspense fallback={<div role="status" aria-label={`Loading ${TAB_WORD[value]}`} className="min-h-48" />}>{children}</Suspense>
    </Tabs.Content>
  );
}

function Trigger({ value, place, count }: { value: Tab; place: number; count: number }) {
  return (
    <Tabs.Trigger value={value} data-tab={value} title={`${TAB_WORD[value]} ( ${place} )`}
      className="-mb-px inline-flex h-10 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-muted hover:text-text
        data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-text phone:h-11 phone:px-2">
      {TAB_WORD[value]}
      {count > 0 && <span className="text-xs font-normal text-muted phone:hidden">{integer(count)}</span>}
    </Tabs.Trigger>
  );
}
