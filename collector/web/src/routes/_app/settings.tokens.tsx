import { createFileRoute } from "@tanstack/react-router";
import { TokensPage } from "../../features/tokens/tokens-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/tokens")({
  beforeLoad: guard("write"),
  component: TokensPage,
});
