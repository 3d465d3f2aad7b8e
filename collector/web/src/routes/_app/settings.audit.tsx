import { createFileRoute } from "@tanstack/react-router";
import { AuditPage } from "../../features/audit/audit-page";
import { auditSearch } from "../../features/audit/search";
import { guard } from "../../lib/guard";

export const Route = createFileRoute("/_app/settings/audit")({
  validateSearch: auditSearch,
  beforeLoad: guard("admin"),
  component: AuditPage,
});
