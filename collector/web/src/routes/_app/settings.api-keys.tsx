import { createFileRoute } from "@tanstack/react-router";
import { KeysPage } from "../../features/keys/keys-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/api-keys")({
  beforeLoad: guard("admin"),
  component: KeysPage,
});
