import { useQuery } from "@tanstack/react-query";
import { api, PAGE, take } from "../../lib/api";
import { clockTime } from "../../lib/format";
import { roleWord } from "../../lib/role";
import { type Tenant, useScope } from "../../lib/scope";
import type { Grant } from "../../lib/types";
import { useMe } from "../../lib/use-person";
import { Icon } from "../../ui/icon";
import { GRANTS } from "../grants/grants";

/** «In Alpine Fibre as operator until 15:04: Ticket 4711». */
export function visitWords({ id, name, role, granted_until: end }: Tenant, grants: readonly Grant[], me: string): string {
  const own = grants.find((grant) => grant.tenant.id === id && grant.user.id === me && grant.expires_at === end);
  const until = end ? ` until ${clockTime(Date.parse(end), false)}` : "";
  return `In ${name}${role ? ` as ${roleWord(role).toLowerCase()}` : ""}${until}${own ? `: ${own.reason}` : ""}`;
}

/** One of the staff is reminded where they are a guest, until when and what for. */
export function VisitBanner() {
  const { tenant, tenants } = useScope();
  const me = useMe()?.user.id ?? "";
  const { data } = useQuery({
    queryKey: [...GRANTS, "mine"],
    queryFn: async () => (await take(api.GET("/api/v1/grants", { params: { query: { live: true, limit: PAGE } } }))).data,
  });
  const visits = (tenant ? [tenant] : tenants).filter(({ granted_until: end }) => end);
  if (visits.length === 0) return null;
  return (
    <ul aria-label="Provider access" data-visits
      className="shrink-0 border-b border-line bg-degraded-soft px-4 py-1 text-xs phone:px-3">
      {visits.map((visit) => (
        <li key={visit.id} className="flex items-start gap-2 py-0.5">
          <span className="mt-px text-degraded"><Icon name="person" size={14} /></span>
          <span className="min-w-0 wrap-anywhere">{visitWords(visit, data ?? [], me)}</span>
        </li>
      ))}
    </ul>
  );
}
