import { createFileRoute } from "@tanstack/react-router";
import { PeoplePage } from "../../features/people/people-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/people")({
  beforeLoad: guard("admin"),
  component: PeoplePage,
});
