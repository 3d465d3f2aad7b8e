/** The filters of the audit as they stand in the URL. Part of the first load, as is every route. */
import * as v from "valibot";

const text = v.fallback(
  // The router reads digits as a number; a filter is text.
  v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
  undefined,
);
const day = v.fallback(v.optional(v.pipe(v.string(), v.isoDate())), undefined);

export const auditSearch = v.object({
  q: text,
  kind: text,
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
