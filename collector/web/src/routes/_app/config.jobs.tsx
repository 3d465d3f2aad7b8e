import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { JobsPage } from "../../features/config/jobs-page";

const search = v.object({
  state: v.fallback(v.optional(v.picklist(["queued", "running", "done", "failed"])), undefined),
  device: v.fallback(v.optional(v.string()), undefined),
});

export const Route = createFileRoute("/_app/config/jobs")({ validateSearch: search, component: JobsPage });
