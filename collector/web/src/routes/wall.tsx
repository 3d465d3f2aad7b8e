import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { WallPage } from "../features/wall/wall-page";

const search = v.object({ theme: v.fallback(v.optional(v.picklist(["dark", "light"])), undefined) });

export const Route = createFileRoute("/wall")({ validateSearch: search, component: WallRoute });

function WallRoute() {
  return <WallPage theme={Route.useSearch().theme ?? "dark"} />;
}
