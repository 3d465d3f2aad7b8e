import { createFileRoute } from "@tanstack/react-router";
import { AgentPage } from "../../features/agents/agent-page";

export const Route = createFileRoute("/_app/agents/$id")({ component: AgentRoute });

function AgentRoute() {
  const { id } = Route.useParams();
  return <AgentPage key={id} id={id} />;
}
