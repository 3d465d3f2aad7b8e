/** Which series make up which chart: of interfaces, of how a device answers, and of what it is made of. */
import type { MetricInfo } from "../../lib/types";
import { unitSign } from "../rules/units";
import type { ChartSpec } from "./chart-data";

const PACKETS = "(ucast|unicast|multicast|mcast|broadcast|bcast)?_?(packets|pkts)(_total)?";

export const PORT_CHARTS: readonly ChartSpec[] = [
  {
    id: "traffic",
    title: "Traffic",
    unit: "b/s",
    scale: 8,
    filled: true,
    lines: [
      { label: "In", match: /^if_in_(octets|bytes)(_total)?$/, colour: "chart-in" },
      { label: "Out", match: /^if_out_(octets|bytes)(_total)?$/, colour: "chart-out" },
    ],
  },
  {
    id: "packets",
    title: "Packets",
    unit: "p/s",
    scale: 1,
    lines: [
      { label: "In", match: new RegExp(`^if_in_${PACKETS}$`), colour: "chart-in" },
      { label: "Out", match: new RegExp(`^if_out_${PACKETS}$`), colour: "chart-out" },
    ],
  },
  {
    id: "errors",
    title: "Errors and discards",
    unit: "/s",
    scale: 1,
    lines: [
      { label: "Errors in", match: /^if_in_errors(_total)?$/, colour: "chart-4" },
      { label: "Errors out", match: /^if_out_errors(_total)?$/, colour: "chart-4", dash: [5, 4] },
      { label: "Discards in", match: /^if_in_discards(_total)?$/, colour: "chart-3" },
      { label: "Discards out", match: /^if_out_discards(_total)?$/, colour: "chart-3", dash: [5, 4] },
    ],
  },
];

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
      { label: "Jitter", match: /^icmp_jitter_seconds$/, colour: "chart-in", dash: [5, 4] },
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

const [, LOSS] = REACH_CHARTS;

function roundTrip(id: string, label: string, match: RegExp, colour: "chart-in" | "chart-out"): ChartSpec {
  return { id, title: "Round trip", unit: "ms", scale: 1000, lines: [{ label, match, colour }] };
}

/** Each way of asking for itself. */
export const ECHO_CHARTS: readonly ChartSpec[] = [
  roundTrip("echo-rtt", "Round trip", /^icmp_rtt_seconds$/, "chart-in"), ...(LOSS ? [LOSS] : []),
];
export const SNMP_CHARTS: readonly ChartSpec[] = [roundTrip("snmp-rtt", "Round trip", /^snmp_rtt_seconds$/, "chart-out")];

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
      { label: "15 min", match: /^load_15m_ratio$/, colour: "chart-out", dash: [5, 4] },
    ],
  },
];

/** Of the device itself, beside how it answers. */
const UPTIME: ChartSpec = {
  id: "uptime", title: "Uptime", unit: "s", scale: 1, lines: [{ label: "Up for", match: /^sys_uptime_seconds$/, colour: "chart-in" }],
};

const ECHO_RANGE: ChartSpec = {
  id: "echo-range", title: "Fastest and slowest echo", unit: "ms", scale: 1000,
  lines: [
    { label: "Fastest", match: /^icmp_rtt_min_seconds$/, colour: "chart-in" },
    { label: "Slowest", match: /^icmp_rtt_max_seconds$/, colour: "chart-out" },
  ],
};

function yesNo(metric: string, title: string, good: 0 | 1): ChartSpec {
  return { id: metric, title, unit: "", scale: 1, good, lines: [{ label: "Now", match: new RegExp(`^${metric}$`), colour: "chart-in" }] };
}

/** One and zero: no curve. */
const FLAGS: readonly ChartSpec[] = [
  yesNo("icmp_up", "Answers echo requests", 1), yesNo("snmp_up", "Answers SNMP", 1), yesNo("icmp_unreachable", "Reported unreachable", 0),
];

export const DEVICE_CHARTS: readonly ChartSpec[] = [...FLAGS, ...REACH_CHARTS, ECHO_RANGE, ...LOAD_CHARTS, UPTIME];

/** Rates stand in the unit of what is counted. */
const RATE: Readonly<Record<string, string>> = { bytes_per_second: "B/s", packets_per_second: "p/s" };

/** A chart of a series that none of the others shows: no metric is hidden because nobody drew it yet. */
export function plainChart({ metric, unit }: Pick<MetricInfo, "metric" | "unit">): ChartSpec {
  const words = metric.replaceAll("_", " ").replace(/^(icmp|snmp|cpu)\b/, (word) => word.toUpperCase()).replace(/^if\b/, "Interface");
  return {
    id: metric, title: `${words[0]?.toUpperCase()}${words.slice(1)}`, unit: RATE[unit] ?? unitSign(unit), scale: 1,
    lines: [{ label: "Value", match: new RegExp(`^${metric.replaceAll(/[^\w]/g, "\\$&")}$`), colour: "chart-in" }],
  };
}
