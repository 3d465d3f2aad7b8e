import { createFileRoute } from "@tanstack/react-router";
import { CredentialsPage } from "../../features/credentials/credentials-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/credentials")({
  beforeLoad: guard("write"),
  component: CredentialsPage,
});
