import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { ConfigPage } from "../../features/config/config-page";

// The router reads digits as a number; a filter is text.
const text = v.fallback(v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))), undefined);
const search = v.object({
  q: text,
  site: v.fallback(v.optional(v.string()), undefined),
  sort: v.fallback(v.optional(v.pipe(v.string(), v.regex(/^-?[a-z_]+$/))), undefined),
  failing: v.fallback(v.optional(v.literal(true)), undefined),
});

export const Route = createFileRoute("/_app/config/")({ validateSearch: search, component: ConfigPage });
