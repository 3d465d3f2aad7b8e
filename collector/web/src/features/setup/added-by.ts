/** Which devices a scan has brought. */
import type { Device, ScanDetail } from "../../lib/types";

/** Hosts that were devices before the scan are not among them. */
export function addedBy({ hosts, started_at: began }: ScanDetail, get: (id: string) => Pick<Device, "created_at"> | undefined): string[] {
  return hosts.flatMap(({ device }) => {
    const row = device === null ? undefined : get(device);
    return device !== null && row && Date.parse(row.created_at) >= Date.parse(began) ? [device] : [];
  });
}

/** What has a sample before what has none, then by name. */
export function byFirst(a: Pick<Device, "last_sample_at" | "name">, b: Pick<Device, "last_sample_at" | "name">): number {
  const rank = (one: Pick<Device, "last_sample_at">) => (one.last_sample_at === null ? 1 : 0);
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}
