/** Which charts of its device show what an alert is about, and the limit in them. */
import type { AlertDetail } from "../../lib/types";
import type { Range } from "../../lib/range";
import type { ChartSpec } from "../charts/chart-data";
import type { Limit } from "../charts/limits";
import { DEVICE_CHARTS, ECHO_CHARTS, LOAD_CHARTS, OBJECT_CHARTS, PORT_CHARTS, REACH_CHARTS, SNMP_CHARTS } from "../charts/specs";

export interface AlertCharts {
  object: string;
  charts: readonly ChartSpec[];
  limits: readonly Limit[];
}

const of = (charts: readonly ChartSpec[], ...ids: string[]) => charts.filter(({ id }) => ids.includes(id));
const [ERRORS] = of(PORT_CHARTS, "errors");

/** Values that rules look at, by the chart whose unit is the same. Of one that is reckoned from several series there is none. */
const BY_NAME: Readonly<Record<string, readonly ChartSpec[]>> = {
  icmp_rtt_ms: of(ECHO_CHARTS, "echo-rtt"), icmp_loss_percent: of(ECHO_CHARTS, "loss"), icmp_jitter_ms: of(REACH_CHARTS, "rtt"), snmp_rtt_ms: SNMP_CHARTS,
  snmp_failed: SNMP_CHARTS,
  load_1m_ratio: LOAD_CHARTS, load_5m_ratio: LOAD_CHARTS, load_15m_ratio: LOAD_CHARTS,
  memory_used_bytes: of(OBJECT_CHARTS, "memory"), memory_size_bytes: of(OBJECT_CHARTS, "memory"),
  storage_used_bytes: of(OBJECT_CHARTS, "storage"), storage_size_bytes: of(OBJECT_CHARTS, "storage"),
  if_in_bps: of(PORT_CHARTS, "traffic"), if_out_bps: of(PORT_CHARTS, "traffic"),
  ...Object.fromEntries(["in_errors", "out_errors", "in_discards", "out_discards"].map((name) => [`if_${name}_per_s`, ERRORS ? [ERRORS] : []])),
};

/** Without a limit of their own: what they say is yes or no. */
const FLAGS: ReadonlySet<string> = new Set(["snmp_failed"]);

function limitsOf({ condition }: AlertDetail["evidence"]): Limit[] {
  if (condition.kind !== "metric" || FLAGS.has(condition.name)) return [];
  const { limit, clear } = condition;
  return [
    { value: limit, word: "limit", tone: "down", dash: [] },
    ...(clear === null || clear === undefined || clear === limit ? [] : [{ value: clear, word: "clear", tone: "up", dash: [5, 4] }]),
  ];
}

/** Null: only the readings that were kept tell of it. */
export function alertCharts({ device, object, evidence }: Pick<AlertDetail, "device" | "object" | "evidence">): AlertCharts | null {
  const { condition } = evidence;
  if (!device) return null;
  if (condition.kind === "device_state") return { object: "", charts: REACH_CHARTS, limits: [] };
  if (condition.kind === "interface_state") return { object, charts: of(PORT_CHARTS, "traffic"), limits: [] };
  if (condition.kind !== "metric" && condition.kind !== "absence") return null;
  const { name } = condition;
  const charts = BY_NAME[name] ?? of([...OBJECT_CHARTS, ...DEVICE_CHARTS], name);
  return charts.length === 0 ? null : { object, charts, limits: limitsOf(evidence) };
}

/** Shorter ones show too little of what was before. */
const ROOM_MS = 10 * 60_000;

/** From some time before it was wrong until some time after it was over; live while it is open. */
export function alertRange({ began_at: began, resolved_at: resolved }: Pick<AlertDetail, "began_at" | "resolved_at">, nowMs: number): Range {
  const from = Date.parse(began);
  const to = resolved ? Date.parse(resolved) : nowMs;
  const room = Math.max(ROOM_MS, (to - from) / 4);
  const end = to + room;
  return { from: String(Math.round(from - room)), to: resolved && end < nowMs ? String(Math.round(end)) : "now" };
}
