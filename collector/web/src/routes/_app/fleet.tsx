import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { FleetPage } from "../../features/fleet/fleet-page";

// The router reads digits as a number; a filter is text.
const text = v.fallback(
  v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
  undefined,
);
const search = v.object({
  q: text,
  tag: text,
  state: v.fallback(v.optional(v.picklist(["up", "degraded", "down", "unknown"])), undefined),
  /** The one beside the list. */
  open: v.fallback(v.optional(v.string()), undefined),
  /** Columns, by their ids with dots between; all that there is room for if not given. */
  cols: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^[a-z.]+$/))), undefined),
  sort: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^-?[a-z_]+$/))), undefined),
});

export const Route = createFileRoute("/_app/fleet")({
  validateSearch: search,
  component: FleetPage,
});
