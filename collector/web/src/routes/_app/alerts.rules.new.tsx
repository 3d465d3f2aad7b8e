import { createFileRoute } from "@tanstack/react-router";
import { NewRulePage } from "../../features/rules/rule-page";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/alerts/rules/new")({ beforeLoad: guard("admin"), component: NewRulePage });
