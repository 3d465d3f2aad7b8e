/** The rows that a view shows: of its tenant, of devices with its tag. */
import type { Agent, Alert, Device, View } from "../../lib/types";

export interface Rows {
  devices: readonly Device[];
  agents: readonly Agent[];
  alerts: readonly Alert[];
}

/** Of a tag: the agents that poll such a device, and what is wrong with these and those. */
export function rowsOf({ devices, agents, alerts }: Rows, { tenant, tag }: { [Field in "tenant" | "tag"]?: View[Field] | undefined }): Rows {
  const own = <T extends { tenant: { id: string } }>(rows: readonly T[]) => (tenant ? rows.filter((row) => row.tenant.id === tenant) : rows);
  if (!tag) return { devices: own(devices), agents: own(agents), alerts: own(alerts) };
  const tagged = own(devices).filter(({ tags }) => tags.includes(tag));
  const ids = new Set(tagged.map(({ id }) => id));
  const by = new Set(tagged.map(({ agent }) => agent.id));
  return {
    devices: tagged,
    agents: own(agents).filter(({ id }) => by.has(id)),
    alerts: own(alerts).filter(({ device, agent }) => (device ? ids.has(device.id) : by.has(agent.id))),
  };
}

/**
 * True of «Alerts» that only says again what «Now» of the same rows says: each alert is an incident of its own.
 * `told`: how many of each there are in a view.
 */
export function isRepeated(view: View | undefined, views: readonly View[], told: (view: View) => { alerts: number; incidents: number }): boolean {
  if (view?.kind !== "alerts") return false;
  const same = views.some(({ kind, tenant, tag }) => kind === "now" && (tenant ?? null) === (view.tenant ?? null) && (tag ?? null) === (view.tag ?? null));
  if (!same) return false;
  const { alerts, incidents } = told(view);
  return alerts === incidents;
}
