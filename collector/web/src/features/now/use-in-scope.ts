/** The live rows that the pages are narrowed to, as they stood at the last second. */
import { useEffect, useMemo } from "react";
import { currentSecond } from "../../lib/clock";
import { live, toldNow, useTableValue } from "../../lib/live-app";
import { isInScope, useScope } from "../../lib/scope";
import { agedCount, isBackfilling, shownAgent, shownDevices, silentS } from "../../lib/state";
import type { Agent, Alert, Device } from "../../lib/types";
import { useSnapshot } from "../../lib/use-snapshot";
import { handled, isSilent } from "../alerts/standing";

const secondMs = () => currentSecond() * 1000;
const aged = () => agedCount(live.devices.list(), secondMs());
const asShown = (rows: readonly Device[]) => shownDevices(rows, secondMs());
const silent = () => live.alerts.list().filter((alert) => isSilent(alert, secondMs())).length;
const asTold = <T>(rows: readonly T[]): readonly T[] => [...rows];

/** One of them is not heard any more, has fallen silent, or has caught up. */
function turned(): number {
  let count = 0;
  const now = toldNow();
  for (const agent of live.agents.list()) {
    if (shownAgent(agent, now) !== agent.state) count += 1;
    // Never as many as that are so at once.
    if (isBackfilling(agent, now)) count += 1e6;
    if (silentS(agent, now) !== null) count += 1e3;
  }
  return count;
}

function useNarrowed<T extends { tenant: { id: string } }>(rows: readonly T[]): readonly T[] {
  const scope = useScope();
  return useMemo(() => (scope.tenant ? rows.filter((row) => isInScope(scope, row)) : rows), [rows, scope]);
}

/** With the states to show. */
export function useDevicesInScope(): readonly Device[] {
  useEffect(() => live.ensureDevices(), []);
  return useNarrowed(useSnapshot(live.devices, aged, asShown));
}

export function useAgentsInScope(): readonly Agent[] {
  useEffect(() => live.ensureAgents(), []);
  return useNarrowed(useSnapshot<Agent>(live.agents, turned, asTold));
}

/** Open ones, and the last that are over. */
export function useAlertsInScope(): readonly Alert[] {
  useEffect(() => live.ensureAlerts(), []);
  return useNarrowed(useSnapshot<Alert>(live.alerts, silent, asTold, handled));
}

/** Devices, agents and alerts are all here. */
export function useAllKnown(): boolean {
  const devices = useTableValue(live.devices, ({ phase, size }) => phase === "ready" || size > 0);
  const agents = useTableValue(live.agents, ({ phase, size }) => phase === "ready" || size > 0);
  const alerts = useTableValue(live.alerts, ({ phase, size }) => phase === "ready" || size > 0);
  return devices && agents && alerts;
}
