/** A change of many devices at once, as it is asked about and as it is sent. */
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";

/** The server takes no more at once. */
export const BULK_MAX = 1000;

export interface BulkChange {
  interval_s?: number;
  add_tags?: string[];
  remove_tags?: string[];
  /** Null takes away what they have of their own. */
  community?: string | null;
}

export type Credential = "stay" | "own" | "profile";

interface Wanted {
  /** Empty: it stays. */
  interval: string;
  add: readonly string[];
  remove: readonly string[];
  credential: Credential;
  community: string;
}

/** Only what is to change. */
export function changeOf({ interval, add, remove, credential, community }: Wanted): BulkChange {
  const change: BulkChange = {};
  if (interval) change.interval_s = Number(interval);
  if (add.length > 0) change.add_tags = [...add];
  if (remove.length > 0) change.remove_tags = [...remove];
  if (credential === "own") change.community = community;
  if (credential === "profile") change.community = null;
  return change;
}

/** What is about to be done, one line each. */
export function linesOf({ interval_s: interval, add_tags: add, remove_tags: remove, community }: BulkChange): string[] {
  const lines: string[] = [];
  if (interval !== undefined) lines.push(`Polled every ${interval} s`);
  if (add) lines.push(`Tags added: ${add.join(", ")}`);
  if (remove) lines.push(`Tags taken away: ${remove.join(", ")}`);
  if (community !== undefined) {
    lines.push(community === null ? "Their own community is deleted; a credential profile is used" : "A new community in place of their own");
  }
  return lines;
}

export function deviceCount(count: number): string {
  return counted(count, "device");
}

export async function changeMany(ids: readonly string[], change: BulkChange): Promise<number> {
  return (await take(api.POST("/api/v1/devices/bulk", { body: { ids: [...ids], change } }))).data.devices;
}

export async function removeMany(ids: readonly string[]): Promise<number> {
  return (await take(api.POST("/api/v1/devices/bulk", { body: { ids: [...ids], delete: true } }))).data.devices;
}
