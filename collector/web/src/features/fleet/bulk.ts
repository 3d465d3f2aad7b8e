/** A change of many devices at once, as it is asked about and as it is sent. */
import { ApiError, api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import type { Device, SnmpVersion } from "../../lib/types";
import { credentialOf, type SentCredential, type SnmpDraft } from "../credentials/snmp-draft";

/** The server takes no more at once. */
export const BULK_MAX = 1000;

export interface BulkChange {
  interval_s?: number;
  add_tags?: string[];
  remove_tags?: string[];
  /** One of the tenant of all of them. */
  agent?: string;
  /** Takes away what they have of their own. */
  community?: null;
  snmp?: { version: SnmpVersion } & SentCredential;
  ping?: boolean;
  strict_source?: boolean;
  request_gap_ms?: number;
}

export type Credential = "stay" | "own" | "profile";

interface Wanted {
  /** Empty: it stays. */
  interval: string;
  add: readonly string[];
  remove: readonly string[];
  /** Empty: they stay with theirs. */
  agent: string;
  credential: Credential;
  draft: SnmpDraft;
  manner: Manner;
}

/** How they are asked; empty: it stays. */
export interface Manner {
  ping: "" | "on" | "off";
  strict: "" | "on" | "off";
  /** Milliseconds, as typed. */
  gap: string;
}

export const STAYING: Manner = { ping: "", strict: "", gap: "" };

/** Only what is to change. */
export function changeOf({ interval, add, remove, agent, credential, draft, manner }: Wanted): BulkChange {
  const change: BulkChange = {};
  if (interval) change.interval_s = Number(interval);
  if (add.length > 0) change.add_tags = [...add];
  if (remove.length > 0) change.remove_tags = [...remove];
  if (agent) change.agent = agent;
  if (credential === "own") change.snmp = { version: draft.version, ...credentialOf(draft) };
  if (credential === "profile") change.community = null;
  if (manner.ping) change.ping = manner.ping === "on";
  if (manner.strict) change.strict_source = manner.strict === "on";
  if (manner.gap.trim()) change.request_gap_ms = Number(manner.gap);
  return change;
}

/** What is about to be done, one line each. `called` is the name of the agent they move to. */
export function linesOf(
  { interval_s: interval, add_tags: add, remove_tags: remove, agent, community, snmp, ping, strict_source: strict, request_gap_ms: gap }: BulkChange,
  called: string,
): string[] {
  const lines: string[] = [];
  if (interval !== undefined) lines.push(`Polled every ${interval} s`);
  if (add) lines.push(`Tags added: ${add.join(", ")}`);
  if (remove) lines.push(`Tags removed: ${remove.join(", ")}`);
  if (agent !== undefined) lines.push(`Moved to ${called}: what an agent before it has not sent yet is left out`);
  if (community === null) lines.push("Their own credential is deleted; a credential profile is used");
  if (snmp) lines.push(`SNMP ${snmp.version} with a new ${"user" in snmp ? `user, ${snmp.user.name},` : "community"} in place of their own`);
  if (ping !== undefined) lines.push(ping ? "Echo requests are sent" : "No echo requests are sent");
  if (strict !== undefined) lines.push(strict ? "Replies from other addresses are refused" : "Replies from other addresses are accepted");
  if (gap !== undefined) lines.push(gap === 0 ? "No delay between requests" : `${gap} ms delay between requests`);
  return lines;
}

/** The one tenant of all these devices; empty if there are several. */
export function tenantOf(ids: readonly string[], device: (id: string) => Device | undefined): string {
  const tenants = new Set(ids.map((id) => device(id)?.tenant.id ?? ""));
  const [first = ""] = tenants;
  return tenants.size === 1 ? first : "";
}

/** What the server says of the fields of a change, by their names within it. */
export function wrongIn(error: Error | null): Readonly<Record<string, string>> {
  if (!(error instanceof ApiError)) return {};
  const within = Object.entries(error.fields).filter(([field]) => field.startsWith(WITHIN));
  return Object.fromEntries(within.map(([field, message]) => [field.slice(WITHIN.length), message]));
}

const WITHIN = "change.";

export function deviceCount(count: number): string {
  return counted(count, "device");
}

export async function changeMany(ids: readonly string[], change: BulkChange): Promise<number> {
  return (await take(api.POST("/api/v1/devices/bulk", { body: { ids: [...ids], change } }))).data.devices;
}
