import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { FleetPage } from "../../features/fleet/fleet-page";

const search = v.object({
  q: v.optional(v.fallback(v.string(), "")),
  state: v.optional(v.fallback(v.picklist(["up", "degraded", "down", "unknown"]), "down")),
  tenant: v.optional(v.fallback(v.string(), "")),
  sort: v.optional(v.fallback(v.pipe(v.string(), v.regex(/^-?[a-z_]+$/)), "state")),
});

export const Route = createFileRoute("/_app/fleet")({
  validateSearch: search,
  component: FleetPage,
});
