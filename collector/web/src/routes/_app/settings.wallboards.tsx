import { createFileRoute } from "@tanstack/react-router";
import { ScreensPage } from "../../features/screens/screens-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/wallboards")({
  beforeLoad: guard("admin"),
  component: ScreensPage,
});
