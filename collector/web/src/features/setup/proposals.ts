/** The hosts of a scan as proposals of devices: which are taken unless somebody says otherwise. */
import type { Adopted, ScanHost } from "../../lib/types";

/** What one call adopts. */
export const ADOPT_MAX = 1000;

export type Show = "new" | "silent" | "watched" | "all";

/** What somebody has said of hosts, by their addresses. */
export interface Said {
  picked: ReadonlyMap<string, boolean>;
  names: ReadonlyMap<string, string>;
}

export const NOTHING_SAID: Said = { picked: new Map(), names: new Map() };

/** It answers SNMP, and is nothing that is watched already. */
export function isPreselected({ snmp, device, duplicate_of: same }: ScanHost): boolean {
  return snmp.works && device === null && same === null;
}

export function isPicked(host: ScanHost, { picked }: Said): boolean {
  return host.device === null && (picked.get(host.address) ?? isPreselected(host));
}

export function isShown(host: ScanHost, show: Show): boolean {
  switch (show) {
    case "new": return host.device === null && host.snmp.works;
    case "silent": return host.device === null && !host.snmp.works;
    case "watched": return host.device !== null;
    case "all": return true;
  }
}

/** Whether nothing is left that one would adopt: another address of a device that is there is none. */
export function isAllAdopted(hosts: readonly ScanHost[]): boolean {
  return hosts.some((host) => isShown(host, "watched")) && !hosts.some(isPreselected);
}

export function matches(host: ScanHost, query: string): boolean {
  const hay = [host.address, host.proposed_name, host.name, host.kind, host.descr, host.snmp.profile?.name].join("\n").toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

export function withPick(said: Said, addresses: readonly string[], on: boolean): Said {
  const picked = new Map(said.picked);
  for (const address of addresses) picked.set(address, on);
  return { ...said, picked };
}

export function withName(said: Said, address: string, name: string): Said {
  return { ...said, names: new Map(said.names).set(address, name) };
}

/** What is sent of those that are picked: a name that is as proposed, or empty, is left to the collector. */
export function adoption(hosts: readonly ScanHost[], said: Said): { address: string; name?: string }[] {
  return hosts.filter((host) => isPicked(host, said)).map(({ address, proposed_name: proposed }) => {
    const name = said.names.get(address)?.trim();
    return name && name !== proposed ? { address, name } : { address };
  });
}

/** Of calls one after the other: the last word on each address. */
export function outcomesOf(before: Outcomes, adopted: Adopted): Outcomes {
  const outcomes = new Map(before);
  for (const one of adopted.outcomes) outcomes.set(one.address, one);
  return outcomes;
}

export type Outcomes = ReadonlyMap<string, Adopted["outcomes"][number]>;
