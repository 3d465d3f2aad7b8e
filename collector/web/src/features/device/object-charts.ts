/** The charts of what is not an interface: how the device answers, and what it is made of. */
import type { Device, DeviceObject, Interface } from "../../lib/types";
import type { ChartSpec, Column, TailPoint } from "./metrics";

/** In the URL, for the load averages: they are of the device itself. */
export const LOAD = "load";

export const REACH_CHARTS: readonly ChartSpec[] = [
  {
    id: "rtt",
    title: "Round trip",
    unit: "ms",
    scale: 1000,
    apart: true,
    lines: [
      { label: "Echo", match: /^icmp_rtt_seconds$/, colour: "chart-in" },
      { label: "SNMP", match: /^snmp_rtt_seconds$/, colour: "chart-out" },
      { label: "Jitter", match: /^icmp_jitter_seconds$/, colour: "chart-3", dash: [5, 4] },
    ],
  },
  {
    id: "loss",
    title: "Echo requests lost",
    unit: "%",
    scale: 1,
    max: 100,
    filled: true,
    lines: [{ label: "Lost", match: /^icmp_loss_percent$/, colour: "chart-4" }],
  },
];

function used(id: string, title: string, of: string): ChartSpec {
  return {
    id, title, unit: "B", scale: 1,
    lines: [
      { label: "Used", match: new RegExp(`^${of}_used_bytes$`), colour: "chart-in" },
      { label: "Size", match: new RegExp(`^${of}_size_bytes$`), colour: "chart-out", dash: [5, 4] },
    ],
  };
}

function level(metric: string, title: string, unit: string): ChartSpec {
  return { id: metric, title, unit, scale: 1, lines: [{ label: "Now", match: new RegExp(`^${metric}$`), colour: "chart-in" }] };
}

/** An object has those whose metrics it has. */
export const OBJECT_CHARTS: readonly ChartSpec[] = [
  { ...level("cpu_busy_percent", "Busy", "%"), max: 100, filled: true },
  used("memory", "Memory", "memory"),
  used("storage", "Space", "storage"),
  level("temperature_celsius", "Temperature", "°C"),
  level("voltage_volts", "Voltage", "V"),
  level("current_amperes", "Current", "A"),
  level("power_watts", "Power", "W"),
  level("fan_speed_rpm", "Fan speed", "rpm"),
  level("frequency_hertz", "Frequency", "Hz"),
  { ...level("humidity_percent", "Humidity", "%"), max: 100 },
  level("sensor_state", "State", ""),
];

export const LOAD_CHARTS: readonly ChartSpec[] = [
  {
    id: "load",
    title: "Load average",
    unit: "",
    scale: 1,
    lines: [
      { label: "1 min", match: /^load_1m_ratio$/, colour: "chart-in" },
      { label: "5 min", match: /^load_5m_ratio$/, colour: "chart-out" },
      { label: "15 min", match: /^load_15m_ratio$/, colour: "chart-3" },
    ],
  },
];

function seconds(at: string | null | undefined): number | null {
  return at ? Date.parse(at) / 1000 : null;
}

function point(at: string | null | undefined, charts: TailPoint["charts"]): TailPoint | null {
  const t = seconds(at);
  return t === null ? null : { t, charts };
}

export type Latest = readonly (TailPoint | null)[];

export function portLatest(port: Interface | undefined): Latest {
  if (!port) return [];
  return [point(port.updated_at, {
    traffic: [port.in_bps, port.out_bps],
    packets: [port.in_pps, port.out_pps],
    errors: [port.in_errors_ps, port.out_errors_ps, port.in_discards_ps, port.out_discards_ps],
  })];
}

/** Echo and SNMP are not asked at the same time: each tells its own part. */
export function reachLatest({ icmp, snmp_poll: snmp }: Pick<Device, "icmp" | "snmp_poll">): Latest {
  return [
    icmp ? point(icmp.at, { rtt: [icmp.rtt_ms, undefined, icmp.jitter_ms], loss: [icmp.loss_percent] }) : null,
    snmp ? point(snmp.at, { rtt: [undefined, snmp.rtt_ms, undefined] }) : null,
  ];
}

/** What the last look at an object adds to its charts. */
export function objectLatest(object: DeviceObject | undefined): Latest {
  if (!object) return [];
  const charts: Record<string, Column> = {};
  let newest: string | null = null;
  for (const spec of OBJECT_CHARTS) {
    const cells = spec.lines.map((line) => object.values.find(({ metric }) => line.match.test(metric)));
    if (cells.every((cell) => cell === undefined)) continue;
    charts[spec.id] = cells.map((cell) => cell?.value ?? null);
    for (const cell of cells) if (cell && (newest === null || cell.at > newest)) newest = cell.at;
  }
  return [point(newest, charts)];
}
