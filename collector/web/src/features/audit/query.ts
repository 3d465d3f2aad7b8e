/** The query of the audit that its filters are. */
import { parsePoint } from "../../lib/range";
import { type AuditSearch, USUAL_LAST } from "./search";
import { KINDS } from "./words";

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
  if (search.kind && Object.hasOwn(KINDS, search.kind)) query.action = search.kind;
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
