import { createFileRoute } from "@tanstack/react-router";
import { PolicyPage } from "../../features/config/policy-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/configurations")({
  beforeLoad: guard("admin"),
  component: PolicyPage,
});
