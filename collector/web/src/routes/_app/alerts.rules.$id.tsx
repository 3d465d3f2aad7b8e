import { createFileRoute } from "@tanstack/react-router";
import { RulePage } from "../../features/rules/rule-page";

export const Route = createFileRoute("/_app/alerts/rules/$id")({ component: RuleRoute });

function RuleRoute() {
  const { id } = Route.useParams();
  return <RulePage key={id} id={id} />;
}
