import { useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { causeHint, causeWord } from "../../lib/state";
import type { Device, DeviceDetail } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { FilterInput } from "../../ui/filter-input";
import { pointAt } from "../charts/chart-options";
import { useChartScope } from "../charts/chart-scope";
import { useMetrics } from "../charts/use-series";
import { Timeline } from "../timeline/timeline";
import type { Happened } from "../timeline/use-timeline";
import { partTree } from "./hardware-objects";
import { useInterfaceOrder } from "./interface-table-order";
import { found, grouped, metricCards } from "./metric-cards";
import { MetricGrid } from "./metric-grid";
import { PartTable } from "./part-table";
import { useObjects } from "./use-objects";

interface Props {
  device: Device;
  missing: DeviceDetail["missing"];
  hasCredential: boolean;
  happened: Happened;
}

/** Every metric that the device has, found by name: charts of hardware and load, of its answers and of each interface. */
export function MetricsTab({ device, missing, hasCredential, happened }: Props) {
  const { range: { span }, asTable } = useChartScope();
  const infos = useMetrics(device.id);
  const objects = useObjects(device);
  const ports = useInterfaceOrder(device.id);
  const find = useSearch({ from: "/_app/devices/$id", select: (search) => search.find }) ?? "";
  const [query, setQuery] = useState(find);
  const navigate = useNavigate({ from: "/devices/$id" });
  const input = useRef<HTMLInputElement>(null);
  const look = useDeferredValue(query);
  const all = useMemo(() => metricCards(infos.data ?? [], objects.data ?? [], ports), [infos.data, objects.data, ports]);
  const groups = useMemo(() => grouped(look ? all.filter((card) => found(card, look)) : all), [all, look]);
  const known = useMemo(() => new Map((objects.data ?? []).map((one) => [one.object, one])), [objects.data]);
  const parts = useMemo(() => partTree((objects.data ?? []).filter(({ object }) => object.startsWith("part:"))), [objects.data]);
  useCommands({ "list.filter": () => input.current?.select() });
  const change = (next: string) => {
    setQuery(next);
    void navigate({ search: (old) => ({ ...old, find: next || undefined }), replace: true, resetScroll: false });
  };
  const error = infos.error ?? objects.error;
  if (error && (!infos.data || !objects.data)) {
    return <ErrorNote error={error} onRetry={() => {
      void infos.refetch();
      void objects.refetch();
    }} />;
  }
  if (!infos.data || !objects.data) return <div role="status" aria-label="Loading the metrics" className="min-h-48" />;
  if (all.length === 0) return <NoMetrics hasCredential={hasCredential} />;
  const shown = groups.reduce((sum, { cards }) => sum + cards.length, 0);
  return (
    <div className="flex flex-col gap-5" data-metrics={shown}>
      <div className="flex flex-wrap items-center gap-3">
        <FilterInput label="Find a metric" word="Find a metric" input={input} query={query} onQuery={change} toRows={() => shown > 0} />
        <span className="text-xs text-muted" aria-live="polite">{integer(shown)} of {integer(all.length)} charts</span>
      </div>
      {shown === 0 && (
        <Empty title="No metric is called so">
          <p>Look for a thing («eth0»), for what is measured («traffic», «temperature»), or for a metric by its name («icmp_rtt»).</p>
        </Empty>
      )}
      {groups.map((group) => <MetricGrid key={group.title} group={group} device={device} objects={known} />)}
      {!look && missing.map(({ group, cause }) => (
        <p key={group} className="text-muted" data-missing={group}>
          {group === "host" ? "Processors, memory and disks" : group === "sensors" ? "Sensors" : group}: {causeWord(cause) ?? "not given"}. {causeHint(cause)}
        </p>
      ))}
      {parts.length > 0 && !look && <PartTable parts={parts} />}
      <Timeline device={device.id} span={span} happened={happened} asTable={asTable} onPoint={pointAt} />
    </div>
  );
}

/** What keeps them away, and what to do about it. */
function NoMetrics({ hasCredential }: Pick<Props, "hasCredential">) {
  return (
    <Empty title="Nothing is measured yet">
      <p>The first values come with the first answer, to an echo request or over SNMP; it is due within one interval.</p>
      {!hasCredential && <p>Interfaces, processors, memory and sensors are told by SNMP alone, and there is no credential to ask with. Give it one by «Edit device».</p>}
    </Empty>
  );
}
