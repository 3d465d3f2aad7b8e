/** What the live rows of a device add to its charts. */
import type { Device, DeviceObject, Interface } from "../../lib/types";
import type { Column, Latest, TailPoint } from "../charts/chart-data";
import { OBJECT_CHARTS } from "../charts/specs";

function seconds(at: string | null | undefined): number | null {
  return at ? Date.parse(at) / 1000 : null;
}

function point(at: string | null | undefined, charts: TailPoint["charts"]): TailPoint | null {
  const t = seconds(at);
  return t === null ? null : { t, charts };
}

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
    icmp ? point(icmp.at, {
      rtt: [icmp.rtt_ms, undefined, icmp.jitter_ms], loss: [icmp.loss_percent], "echo-rtt": [icmp.rtt_ms],
    }) : null,
    snmp ? point(snmp.at, { rtt: [undefined, snmp.rtt_ms, undefined], "snmp-rtt": [snmp.rtt_ms] }) : null,
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
