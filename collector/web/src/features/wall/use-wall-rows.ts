/** What the views show, derived from the live tables as they stood at the last second. */
import { useMemo } from "react";
import { currentSecond } from "../../lib/clock";
import { live, toldNow as newsMs, useTableValue } from "../../lib/live-app";
import { agedCount, isBackfilling, shownAgent, shownDevices } from "../../lib/state";
import type { Agent, Alert, Device, View } from "../../lib/types";
import { useSnapshot } from "../../lib/use-snapshot";
import { isSilent } from "../alerts/standing";
import { incidentsOf } from "../now/incidents";
import { unknownByAgent, unknownOf } from "../now/unknown";
import { countStates, rollUp } from "../sites/rollup";
import { caredFor } from "../alerts/tone";
import { rowsOf } from "./view-rows";

export const secondMs = () => currentSecond() * 1000;
const aged = () => agedCount(live.devices.list(), secondMs());
const asShown = (rows: readonly Device[]) => shownDevices(rows, secondMs());
const silent = () => live.alerts.list().filter((alert) => isSilent(alert, secondMs())).length;
const asTold = <T>(rows: readonly T[]): readonly T[] => [...rows];
const turned = () => live.agents.list().filter((agent) => shownAgent(agent, newsMs()) !== agent.state || isBackfilling(agent, newsMs())).length;

export function useWallRows({ tenant, tag }: View) {
  const allDevices = useSnapshot(live.devices, aged, asShown);
  const allAgents = useSnapshot<Agent>(live.agents, turned, asTold);
  const allAlerts = useSnapshot<Alert>(live.alerts, silent, asTold);
  const { devices, agents, alerts } = useMemo(
    () => rowsOf({ devices: allDevices, agents: allAgents, alerts: allAlerts }, { tenant, tag }),
    [allDevices, allAgents, allAlerts, tenant, tag],
  );
  const byAgent = useMemo(() => new Map(agents.map((agent) => [agent.id, agent])), [agents]);
  return {
    devices, agents, alerts, byAgent,
    counts: useMemo(() => countStates(devices), [devices]),
    cared: useMemo(() => caredFor(alerts, secondMs()), [alerts]),
    sites: useMemo(() => rollUp({ devices, agents: [], alerts, nowMs: secondMs() }), [devices, alerts]),
    incidents: useMemo(
      () => incidentsOf(alerts, { agents: byAgent, unknown: unknownByAgent(devices), nowMs: newsMs() }),
      [alerts, devices, byAgent],
    ),
    unknown: useMemo(() => {
      // The cause stands in the row as it was told.
      const rows = devices.flatMap(({ id, state }) => (state === "unknown" ? (live.devices.get(id) ?? []) : []));
      return unknownOf(rows, byAgent, secondMs(), newsMs());
    }, [devices, byAgent]),
  };
}

/** How many open alerts and incidents a view has at this moment. */
export function toldNow(view: View): { alerts: number; incidents: number } {
  const { devices, agents, alerts } = rowsOf({ devices: live.devices.list(), agents: live.agents.list(), alerts: live.alerts.list() }, view);
  const known = { agents: new Map(agents.map((agent) => [agent.id, agent])), unknown: unknownByAgent(devices), nowMs: newsMs() };
  return { alerts: alerts.filter(({ phase }) => phase !== "resolved").length, incidents: incidentsOf(alerts, known).length };
}

export type WallRows = ReturnType<typeof useWallRows>;

/** `ready`, `loading`, or why the first list did not come. Once it came, it stays in sight. */
export function useKnown(): string {
  const read = ({ phase, size, error }: { phase: string; size: number; error: Error | null }) =>
    phase === "ready" || size > 0 ? "ready" : (error?.message ?? "loading");
  const all = [useTableValue(live.devices, read), useTableValue(live.agents, read), useTableValue(live.alerts, read)];
  return all.find((one) => one !== "ready" && one !== "loading") ?? (all.includes("loading") ? "loading" : "ready");
}
