/** The agents that can poll the devices of a tenant: all of its own that are not revoked. */
import { useEffect } from "react";
import { byName } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import type { Choice } from "../../ui/picker";

export function useAgentsOf(tenant: string): Choice[] {
  useEffect(() => live.ensureAgents(), []);
  // One that is revoked while the form is open is no choice any more.
  useTableValue(live.agents, (table) => table.list().filter((one) => one.tenant.id === tenant && !one.revoked_at).length);
  const names = useAgentNames();
  return live.agents.list().filter((one) => one.tenant.id === tenant && !one.revoked_at)
    .toSorted((a, b) => byName(a.name, b.name))
    .map((one) => ({ value: one.id, label: names.name(one), note: one.site.name }));
}
