/** How many agents and devices there are by tenant and by site, as the agents tell. */
import { useEffect, useMemo } from "react";
import { live, useTableValue } from "../../lib/live-app";

export interface Place {
  agents: number;
  devices: number;
}

/** By the id of a tenant or a site; null until the agents are known. */
export function usePlaces(): ReadonlyMap<string, Place> | null {
  useEffect(() => live.ensureAgents(), []);
  const isReady = useTableValue(live.agents, (table) => table.phase === "ready");
  const sum = useTableValue(live.agents, (table) =>
    table.list().reduce((total, agent) => total + agent.devices, 0));
  const membership = useTableValue(live.agents, (table) => table.membership);
  return useMemo(
    () => {
      if (!isReady) return null;
      const places = new Map<string, Place>();
      for (const { tenant, site, devices, revoked_at } of live.agents.list()) {
        if (revoked_at) continue;
        for (const { id } of [tenant, site]) {
          const place = places.get(id) ?? { agents: 0, devices: 0 };
          places.set(id, { agents: place.agents + 1, devices: place.devices + devices });
        }
      }
      return places;
    },
    // oxlint-disable-next-line react/exhaustive-deps -- they stand for the list
    [isReady, sum, membership],
  );
}
