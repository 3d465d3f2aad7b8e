import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { AgentsPage } from "../../features/agents/agents-page";

const search = v.object({
  /** The one beside the list. */
  open: v.fallback(v.optional(v.string()), undefined),
  /** Only those whose data does not get here as it should. */
  show: v.fallback(v.optional(v.literal("trouble")), undefined),
});

export const Route = createFileRoute("/_app/agents/")({ validateSearch: search, component: AgentsPage });
