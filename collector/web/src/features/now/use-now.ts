/** Everything that the page shows, derived from the live tables as they stood at the last second. */
import { useMemo, useState } from "react";
import { currentSecond } from "../../lib/clock";
import { live, toldNow } from "../../lib/live-app";
import { useDiskFull } from "../../lib/use-disk";
import { useHeld } from "../../lib/use-held";
import { heldRows, type Rows } from "../alerts/filter";
import { SEVERITIES, type Severity, severityOf } from "../alerts/standing";
import { countStates, inTrouble, rollUp } from "../sites/rollup";
import { dataHealth } from "./health";
import { type Incident, incidentsOf } from "./incidents";
import { unknownByAgent, unknownOf } from "./unknown";
import { useAgentsInScope, useAlertsInScope, useAllKnown, useDevicesInScope } from "./use-in-scope";

const secondMs = () => currentSecond() * 1000;
const NO_ROWS: Rows = { key: "", ids: [] };

/** More of them are for the inbox: nobody walks through a storm by hand. */
export const INCIDENTS_SHOWN = 30;

export function useNow() {
  const devices = useDevicesInScope();
  const agents = useAgentsInScope();
  const alerts = useAlertsInScope();
  const isKnown = useAllKnown();
  const byAgent = useMemo(() => new Map(agents.map((agent) => [agent.id, agent])), [agents]);
  const incidents = useMemo<ReadonlyMap<string, Incident>>(() => {
    const found = incidentsOf(alerts, { agents: byAgent, unknown: unknownByAgent(devices), nowMs: toldNow() });
    return new Map(found.map((one) => [one.root, one]));
  }, [alerts, devices, byAgent]);
  const unknown = useMemo(() => {
    // The cause stands in the row as it was told.
    const rows = devices.flatMap(({ id, state }) => (state === "unknown" ? (live.devices.get(id) ?? []) : []));
    return unknownOf(rows, byAgent, secondMs(), toldNow());
  }, [devices, byAgent]);
  // What an incident tells, nothing else on the page tells again.
  const untold = useMemo(() => unknown.filter(({ agent }) => agent === null || !incidents.get(agent)?.isAway), [unknown, incidents]);
  const sites = useMemo(() => rollUp({ devices, agents, alerts, nowMs: toldNow() }), [devices, agents, alerts]);
  const severities = useMemo(() => {
    const counts = Object.fromEntries(SEVERITIES.map((one) => [one, 0])) as Record<Severity, number>;
    for (const alert of alerts) if (alert.phase !== "resolved") counts[severityOf(alert)] += 1;
    return counts;
  }, [alerts]);

  /** When the newest sample was taken, in milliseconds. */
  const sampledAt = useMemo(() => {
    let newest: number | null = null;
    for (const { last_sample_at: at } of devices) if (at) newest = Math.max(newest ?? 0, Date.parse(at));
    return newest;
  }, [devices]);

  const [, isHeld, hold] = useHeld();
  const fresh = useMemo<Rows>(() => ({ key: "", ids: [...incidents.keys()] }), [incidents]);
  const [kept, setKept] = useState(NO_ROWS);
  const rows = heldRows(kept, fresh, isHeld && kept.ids.length === fresh.ids.length);
  // Derived while rendering: what was shown last is what is kept.
  if (rows !== kept) setKept(rows);
  const ids = useMemo(() => rows.ids.filter((root) => incidents.has(root)), [rows, incidents]);
  return {
    hold, isKnown, isDiskFull: useDiskFull(), incidents, ids: ids.slice(0, INCIDENTS_SHOWN), hidden: Math.max(0, ids.length - INCIDENTS_SHOWN),
    firing: useMemo(() => [...incidents.values()].filter(({ standing }) => standing === "firing").length, [incidents]),
    devices: devices.length, agents: agents.length, counts: useMemo(() => countStates(devices), [devices]),
    sampledAt, severities, unknown: untold, sites, troubled: useMemo(() => inTrouble(sites), [sites]),
    health: useMemo(() => {
      const { behind, well } = dataHealth(agents, toldNow());
      return { well, all: behind.length, behind: behind.filter(({ id }) => !incidents.get(id)?.isAway) };
    }, [agents, incidents]),
  };
}

export type Now = ReturnType<typeof useNow>;
