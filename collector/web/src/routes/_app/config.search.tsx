import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { SearchPage } from "../../features/config/search-page";

const on = v.fallback(v.optional(v.literal(true)), undefined);
const search = v.object({
  // The router reads digits as a number; what is searched for is text.
  q: v.fallback(v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))), undefined),
  regex: on,
  case: on,
});

export const Route = createFileRoute("/_app/config/search")({ validateSearch: search, component: SearchPage });
