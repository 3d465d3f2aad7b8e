import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { InboxPage } from "../../features/alerts/inbox-page";

// The router reads digits as a number; a filter is text.
const text = v.fallback(
  v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
  undefined,
);
const search = v.object({
  q: text,
  severity: v.fallback(v.optional(v.picklist(["critical", "warning", "info"])), undefined),
  state: v.fallback(
    v.optional(v.picklist(["firing", "pending", "acknowledged", "silenced", "resolved"])), undefined),
  order: v.fallback(v.optional(v.picklist(["worst", "newest"])), undefined),
  /** What they are of, by its id. */
  rule: text,
  device: text,
  agent: text,
  /** The one beside the list. */
  open: v.fallback(v.optional(v.string()), undefined),
});

export const Route = createFileRoute("/_app/alerts/")({ validateSearch: search, component: InboxPage });
