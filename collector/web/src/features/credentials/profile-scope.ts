/** Which devices a credential profile is for. */
import type { CredentialProfile, Device } from "../../lib/types";

type Place = Pick<CredentialProfile, "tenant" | "site" | "tag">;

export function scopeWords({ site, tag }: Place): string {
  const devices = tag ? `devices tagged «${tag}»` : "all devices";
  return site ? `${devices} of ${site.name}` : devices;
}

/** Those that would take it, unless they have one of their own or another profile fits better. */
export function isInPlace({ tenant, site, tag }: Place, device: Pick<Device, "tenant" | "site" | "tags">): boolean {
  return device.tenant.id === tenant.id && (!site || device.site.id === site.id) && (!tag || device.tags.includes(tag));
}
