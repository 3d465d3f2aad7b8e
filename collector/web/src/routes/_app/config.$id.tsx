import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { VersionPage } from "../../features/config/version-page";

const search = v.object({
  view: v.fallback(v.optional(v.picklist(["text"])), undefined),
  /** Another version of the device, to compare with. */
  with: v.fallback(v.optional(v.string()), undefined),
  as: v.fallback(v.optional(v.picklist(["unified"])), undefined),
  line: v.fallback(v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))), undefined),
  // The router reads digits as a number; what is searched for is text.
  find: v.fallback(v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(String))), undefined),
});

export const Route = createFileRoute("/_app/config/$id")({ validateSearch: search, component: VersionRoute });

function VersionRoute() {
  const { id } = Route.useParams();
  return <VersionPage key={id} />;
}
