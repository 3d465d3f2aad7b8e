/** The columns of the fleet: what each is called and sorts by. */
import { currentSecond } from "../../lib/clock";
import { deviceNames } from "../../lib/live-names";
import { sorted, type Sorting } from "../../lib/sorting";
import { STATE_RANK } from "../../lib/state";
import type { Device } from "../../lib/types";
import { snmpNews } from "../device/snmp-news";

export interface FleetColumn {
  id: string;
  header: string;
  /** The way of the first click on its heading. */
  descFirst: boolean;
  hint?: string;
  read: (row: Device) => string | number;
}

function text(id: string, header: string, read: (row: Device) => string): FleetColumn {
  return { id, header, read, descFirst: false };
}

/** A missing number sorts as the smallest. */
function figure(id: string, header: string, read: (row: Device) => number | null): FleetColumn {
  return { id, header, read: (row) => read(row) ?? -1, descFirst: true };
}

/** By SNMP: none where it holds no more. */
function told(id: string, header: string, read: (row: Device) => number | null): FleetColumn {
  return figure(id, header, (row) => (snmpNews(row, currentSecond() * 1000).trust === "gone" ? null : read(row)));
}

export const columns: readonly FleetColumn[] = [
  { id: "state", header: "State", descFirst: false, read: (row) => STATE_RANK[row.state] },
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
  { ...told("cpu", "CPU %", (row) => row.cpu_percent), hint: "Mean of its processors" },
  told("uptime", "Uptime", (row) => row.uptime_s),
  figure("age", "Age", (row) => (row.last_sample_at ? -Date.parse(row.last_sample_at) : null)),
];

const READS = { ...Object.fromEntries(columns.map(({ id, read }) => [id, read])), own: (row: Device) => row.name };

/** Devices of one state stand by their names. */
export function inOrder(devices: readonly Device[], sorting: Sorting): readonly Device[] {
  const rows = sorting.by === "state" ? sorted(devices, READS, { by: "own", desc: sorting.desc }) : devices;
  return sorted(rows, READS, sorting);
}

/** Right-aligned columns. */
export const NUMERIC = new Set(["interfaces", "in", "out", "rtt", "loss", "cpu", "uptime", "age"]);

/** `called` is the name that the page shows. */
export function matches(device: Device, called: string, query: string): boolean {
  const hay = [
    called, device.name, device.address, device.tenant.name, device.site.name, device.agent.name,
    device.model ?? "", device.sys_name ?? "", ...device.tags,
  ].join("\n").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}
