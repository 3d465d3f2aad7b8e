/** The way back from a change of many devices: what each of them was before, written back. */
import { api, take } from "../../lib/api";
import type { Device, DeviceDetail } from "../../lib/types";
import type { BulkChange } from "./bulk";

export interface Former {
  id: string;
  interval_s: number;
  tags: readonly string[];
  agent: string;
  /** Read only where it is changed. */
  ping?: boolean;
  strict_source?: boolean;
  request_gap_ms?: number;
}

export interface Step {
  ids: string[];
  change: BulkChange;
}

/** So many are asked one by one for what the list does not tell. */
const DETAILS_MAX = 50;
const AT_ONCE = 6;

const isManner = ({ ping, strict_source: strict, request_gap_ms: gap }: BulkChange) =>
  ping !== undefined || strict !== undefined || gap !== undefined;

/** What of a change cannot be taken back, in words; null: all of it can. */
export function lostWords(change: BulkChange, count: number): string | null {
  if (change.snmp || change.community === null) return "Their former credentials cannot be brought back.";
  return isManner(change) && count > DETAILS_MAX ? "How they are asked cannot be undone for so many." : null;
}

function grouped(former: readonly Former[], read: (one: Former) => BulkChange | null): Step[] {
  const steps = new Map<string, Step>();
  for (const one of former) {
    const change = read(one);
    if (!change) continue;
    const key = JSON.stringify(change);
    const step = steps.get(key) ?? { ids: [], change };
    step.ids.push(one.id);
    steps.set(key, step);
  }
  return [...steps.values()];
}

/** The changes that make each of them as it was, as few as there are. */
export function stepsBack(change: BulkChange, former: readonly Former[]): Step[] {
  return grouped(former, (one) => {
    const back: BulkChange = {};
    if (change.interval_s !== undefined && one.interval_s !== change.interval_s) back.interval_s = one.interval_s;
    if (change.agent !== undefined && one.agent !== change.agent) back.agent = one.agent;
    const gained = (change.add_tags ?? []).filter((tag) => !one.tags.includes(tag));
    const lost = (change.remove_tags ?? []).filter((tag) => one.tags.includes(tag) && !(change.add_tags ?? []).includes(tag));
    if (gained.length > 0) back.remove_tags = gained;
    if (lost.length > 0) back.add_tags = lost;
    if (change.ping !== undefined && one.ping !== undefined && one.ping !== change.ping) back.ping = one.ping;
    if (change.strict_source !== undefined && one.strict_source !== undefined && one.strict_source !== change.strict_source) back.strict_source = one.strict_source;
    if (change.request_gap_ms !== undefined && one.request_gap_ms !== undefined && one.request_gap_ms !== change.request_gap_ms) back.request_gap_ms = one.request_gap_ms;
    return Object.keys(back).length > 0 ? back : null;
  });
}

async function detailOf(id: string): Promise<DeviceDetail | null> {
  return take(api.GET("/api/v1/devices/{id}", { params: { path: { id } } })).then(({ data }) => data, () => null);
}

/** What they are before the change. */
export async function formerOf(devices: readonly Device[], change: BulkChange): Promise<Former[]> {
  const former = devices.map(({ id, interval_s, tags, agent }): Former => ({ id, interval_s, tags, agent: agent.id }));
  if (!isManner(change) || former.length > DETAILS_MAX) return former;
  for (let at = 0; at < former.length; at += AT_ONCE) {
    const some = former.slice(at, at + AT_ONCE);
    // A few at a time: the server has others to answer.
    // oxlint-disable-next-line no-await-in-loop
    const details = await Promise.all(some.map(({ id }) => detailOf(id)));
    some.forEach((one, n) => {
      const detail = details[n];
      if (detail) Object.assign(one, { ping: detail.ping, strict_source: detail.strict_source, request_gap_ms: detail.request_gap_ms });
    });
  }
  return former;
}
