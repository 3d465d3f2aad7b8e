/** The filters of the audit as they stand in the URL, and the query that they are. */
import * as v from "valibot";
import { parsePoint } from "../../lib/range";
import { KINDS } from "./words";

const text = v.fallback(
  // The router reads digits as a number; a filter is text.
  v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
  undefined,
);
const day = v.fallback(v.optional(v.pipe(v.string(), v.isoDate())), undefined);

export const auditSearch = v.object({
  q: text,
  kind: v.fallback(v.optional(v.pipe(v.string(), v.check((kind) => Object.hasOwn(KINDS, kind)))), undefined),
  /** How far back; `all` is as far as there is something. */
  last: v.fallback(v.optional(v.picklist(["24h", "30d", "90d", "all"])), undefined),
  /** Days of this browser's zone, both included. They stand over `last`. */
  from: day,
  to: day,
  /** Only what belongs to no tenant. */
  of: v.fallback(v.optional(v.literal("installation")), undefined),
});

export type AuditSearch = v.InferOutput<typeof auditSearch>;

export const USUAL_LAST = "7d";
export const LASTS: readonly { value: string; label: string }[] = [
  { value: "24h", label: "Last 24 hours" },
  { value: USUAL_LAST, label: "Last 7 days" },
  { value: "30d", label: "Last 30 days" },
  { value: "90d", label: "Last 90 days" },
  { value: "all", label: "All there is" },
];
/** Not a span: from one day to another. */
export const DAYS = "days";

export interface AuditQuery {
  tenant?: string;
  action?: string;
  q?: string;
  from?: string;
  to?: string;
}

function startOf(date: string, plusDays: number): string | null {
  const at = new Date(`${date}T00:00:00`);
  if (Number.isNaN(at.getTime())) return null;
  at.setDate(at.getDate() + plusDays);
  return at.toISOString();
}

/** What is asked of the server, of the list and of the export alike. */
export function queryOf(search: AuditSearch, tenant: string | undefined, nowMs: number): AuditQuery {
  const query: AuditQuery = {};
  const of = search.of ?? tenant;
  if (of) query.tenant = of;
  if (search.kind) query.action = search.kind;
  const q = search.q?.trim();
  if (q) query.q = q;
  const from = search.from && startOf(search.from, 0);
  const to = search.to && startOf(search.to, 1);
  if (search.from || search.to) {
    if (from) query.from = from;
    if (to) query.to = to;
  } else {
    const start = parsePoint(`now-${search.last ?? USUAL_LAST}`, nowMs);
    if (start !== null) query.from = new Date(start).toISOString();
  }
  return query;
}

export function exportUrl(query: AuditQuery, format: "csv" | "jsonl"): string {
  return `/api/v1/audit/export?${new URLSearchParams({ ...query, format })}`;
}
