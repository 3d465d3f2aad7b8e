/** What stands at one site, as it was at the last second. */
import { useMemo } from "react";
import { byName } from "../../lib/format";
import { STATE_RANK } from "../../lib/state";
import type { Agent, Device } from "../../lib/types";

/** Ids of its devices, the worst state first, then by name. */
export function devicesAt(site: string, devices: readonly Device[]): readonly string[] {
  return devices.filter((device) => device.site.id === site)
    .toSorted((a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || byName(a.name, b.name)).map(({ id }) => id);
}

/** Ids of its agents that are not revoked, by name. */
export function agentsAt(site: string, agents: readonly Agent[]): readonly string[] {
  return agents.filter((agent) => agent.site.id === site && !agent.revoked_at).toSorted((a, b) => byName(a.name, b.name)).map(({ id }) => id);
}

export function useSiteRows(site: string, devices: readonly Device[], agents: readonly Agent[]) {
  const deviceIds = useMemo(() => devicesAt(site, devices), [site, devices]);
  const agentIds = useMemo(() => agentsAt(site, agents), [site, agents]);
  return { deviceIds, agentIds };
}
