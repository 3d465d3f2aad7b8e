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
