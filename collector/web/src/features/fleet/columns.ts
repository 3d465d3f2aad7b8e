import {
  columnFilteringFeature, createColumnHelper, createFilteredRowModel, createSortedRowModel,
  globalFilteringFeature, rowSortingFeature, tableFeatures,
} from "@tanstack/react-table";
import { currentSecond } from "../../lib/clock";
import { byName } from "../../lib/format";
import { deviceNames } from "../../lib/live-names";
import { STATE_RANK } from "../../lib/state";
import type { Device } from "../../lib/types";
import { snmpNews } from "../device/snmp-news";

export const features = tableFeatures({
  columnFilteringFeature,
  globalFilteringFeature,
  rowSortingFeature,
  filteredRowModel: createFilteredRowModel(),
  sortedRowModel: createSortedRowModel(),
});

const helper = createColumnHelper<typeof features, Device>();

/** A missing number sorts as the smallest. */
const number = (value: number | null) => value ?? -1;
const filters = { enableColumnFilter: false, enableGlobalFilter: false } as const;

type Read = (row: Device) => string | number;

function text(id: string, header: string, read: (row: Device) => string) {
  return helper.accessor(read as Read, {
    id,
    header,
    ...filters,
    sortDescFirst: false,
    sortFn: (a, b) => byName(read(a.original), read(b.original)),
  });
}

function figure(id: string, header: string, read: (row: Device) => number | null) {
  return helper.accessor(((row) => number(read(row))) as Read, {
    id,
    header,
    ...filters,
    sortDescFirst: true,
    sortFn: (a, b) => number(read(a.original)) - number(read(b.original)),
  });
}

/** By SNMP: none where it holds no more. */
function told(id: string, header: string, read: (row: Device) => number | null) {
  return figure(id, header, (row) => (snmpNews(row, currentSecond() * 1000).trust === "gone" ? null : read(row)));
}

export const columns = helper.columns([
  helper.accessor(((row) => STATE_RANK[row.state]) as Read, {
    id: "state",
    header: "State",
    ...filters,
    sortDescFirst: false,
    sortFn: (a, b) =>
      STATE_RANK[a.original.state] - STATE_RANK[b.original.state] ||
      byName(a.original.name, b.original.name),
  }),
  text("name", "Name", (row) => deviceNames().name(row)),
  text("tenant", "Tenant", (row) => row.tenant.name),
  text("site", "Site", (row) => row.site.name),
  text("address", "Address", (row) => row.address),
  text("model", "Model", (row) => row.model ?? ""),
  told("interfaces", "Ports up", (row) => row.interfaces_up),
  told("in", "In Mb/s", (row) => row.in_bps),
  told("out", "Out Mb/s", (row) => row.out_bps),
  figure("rtt", "RTT ms", (row) => row.rtt_ms),
  figure("loss", "Loss %", (row) => row.icmp?.loss_percent ?? null),
  told("cpu", "CPU %", (row) => row.cpu_percent),
  told("uptime", "Uptime", (row) => row.uptime_s),
  figure("age", "Age", (row) => (row.last_sample_at ? -Date.parse(row.last_sample_at) : null)),
]);

/** Where all rows are of one tenant, none says so. */
export const ofOneTenant = columns.filter(({ id }) => id !== "tenant");

/** Right-aligned columns. */
export const NUMERIC = new Set(["interfaces", "in", "out", "rtt", "loss", "cpu", "uptime", "age"]);

/** Columns that a screen shows only if there is room, by their class. */
const ROOM: Readonly<Record<string, string>> = {
  address: "fleet-wide", model: "fleet-model", rtt: "fleet-wide", uptime: "fleet-wide", loss: "fleet-wider", cpu: "fleet-wider",
};

export function roomClass(column: string): string {
  return ROOM[column] ?? "";
}

/** `called` is the name that the page shows. */
export function matches(device: Device, called: string, query: string): boolean {
  const hay = [
    called, device.name, device.address, device.tenant.name, device.site.name, device.agent.name,
    device.model ?? "", device.sys_name ?? "", ...device.tags,
  ].join("\n").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}
