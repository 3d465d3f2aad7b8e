import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { SitesPage } from "../../features/sites/sites-page";

// The router reads digits as a number; a filter is text.
const text = v.fallback(
  v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
  undefined,
);
const search = v.object({
  q: text,
  sort: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^-?[a-z_]+$/))), undefined),
  /** The one beside the list. */
  open: v.fallback(v.optional(v.string()), undefined),
});

export const Route = createFileRoute("/_app/sites/")({ validateSearch: search, component: SitesPage });
