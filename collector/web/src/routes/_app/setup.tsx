import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { SetupPage } from "../../features/setup/setup-page";

const id = v.fallback(v.optional(v.string()), undefined);
/** How far one is: all of it is told from these three. */
const search = v.object({ site: id, agent: id, scan: id });

export const Route = createFileRoute("/_app/setup")({ validateSearch: search, component: SetupPage });
