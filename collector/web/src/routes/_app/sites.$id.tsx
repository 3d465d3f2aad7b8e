import { createFileRoute } from "@tanstack/react-router";
import { SitePage } from "../../features/sites/site-page";

export const Route = createFileRoute("/_app/sites/$id")({ component: SiteRoute });

function SiteRoute() {
  const { id } = Route.useParams();
  return <SitePage key={id} id={id} />;
}
