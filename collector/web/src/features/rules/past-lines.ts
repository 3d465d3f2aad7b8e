/** What a rule would have done in the last day, as lines with bars. */
import { counted, integer } from "../../lib/format";
import type { RulePreview } from "../../lib/types";
import { part } from "../alerts/part";

type Past = RulePreview["past"];

export interface Bar {
  /** Of the day, 0 to 1. */
  from: number;
  length: number;
}

export interface PastLine {
  key: string;
  name: string;
  /** Of the device; empty is the device itself. */
  part: string;
  count: number;
  bars: Bar[];
}

/** A bar that is shorter is not seen. */
const SHORTEST = 0.004;

/** One line for each thing, the busiest first; of the alerts that the server lists. */
export function pastLines({ alerts, from, to }: Past): PastLine[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const place = (at: string) => Math.min(1, Math.max(0, (Date.parse(at) - start) / (end - start || 1)));
  const lines = new Map<string, PastLine>();
  for (const alert of alerts) {
    const { device, name, object, fired_at: fired, resolved_at: resolved } = alert;
    const key = `${device} ${object}`;
    const line = lines.get(key) ?? { key, name, part: part(alert), count: 0, bars: [] };
    lines.set(key, line);
    const at = place(fired);
    const length = Math.max(SHORTEST, (resolved ? place(resolved) : 1) - at);
    line.count += 1;
    line.bars.push({ from: Math.min(at, 1 - SHORTEST), length: Math.min(length, 1 - at || SHORTEST) });
  }
  return [...lines.values()].toSorted((a, b) => b.count - a.count);
}

/** «12 alerts of 3 devices», with what was left out. */
export function pastWords(past: Past): string {
  const { total, alerts, devices, left_out: left } = past;
  const alerted = total === 0 ? "No alert would have fired" : total === 1 ? "1 alert would have fired" : `${integer(total)} alerts would have fired`;
  const looked = `; ${counted(devices, "device")} looked at${left > 0 ? `, ${integer(left)} left out` : ""}`;
  return `${alerted}${looked}.${total > alerts.length ? ` The first ${integer(alerts.length)} are shown.` : ""}`;
}
