import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { NowPage } from "../../features/now/now-page";

const search = v.object({
  /** The root of the incident beside the list: a device or an agent. */
  open: v.fallback(v.optional(v.string()), undefined),
});

export const Route = createFileRoute("/_app/")({ validateSearch: search, component: NowPage });
