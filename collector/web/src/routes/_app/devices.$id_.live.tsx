import { createFileRoute } from "@tanstack/react-router";
import { LivePage } from "../../features/device/live-page";

export const Route = createFileRoute("/_app/devices/$id_/live")({ component: LiveRoute });

function LiveRoute() {
  const { id } = Route.useParams();
  return <LivePage key={id} id={id} />;
}
