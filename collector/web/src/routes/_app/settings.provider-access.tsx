import { createFileRoute } from "@tanstack/react-router";
import { GrantsPage } from "../../features/grants/grants-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/provider-access")({
  beforeLoad: guard("visit"),
  component: GrantsPage,
});
