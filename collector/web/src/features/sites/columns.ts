/** The columns of the sites: what each is called and sorts by. */
import { type Read, sorted, type Sorting } from "../../lib/sorting";
import { SEVERITIES } from "../alerts/standing";
import { TONES } from "../alerts/tone";
import { type SiteStatus, troubleShare } from "./rollup";

export interface SiteColumn {
  id: string;
  header: string;
  figure?: boolean;
  read: Read<SiteStatus>;
}

export const COLUMNS: readonly SiteColumn[] = [
  // The loudest first, and of those the one with the most of it.
  { id: "state", header: "State", read: (site) => (site.devices === 0 ? null : TONES.indexOf(site.tone) - troubleShare(site) / 2) },
  { id: "name", header: "Site", read: ({ name }) => name },
  { id: "tenant", header: "Tenant", read: ({ tenant }) => tenant.name },
  { id: "trouble", header: "Devices by state", figure: true, read: troubleShare },
  { id: "devices", header: "Devices", figure: true, read: ({ devices }) => devices },
  { id: "agents", header: "Agents up", figure: true, read: ({ agents, agentsUp }) => agents - agentsUp },
  { id: "alerts", header: "Open alerts", figure: true, read: ({ alerts, worst }) => (worst ? alerts + (SEVERITIES.length - SEVERITIES.indexOf(worst)) * 1e6 : 0) },
];

export const OF_ONE_TENANT = COLUMNS.filter(({ id }) => id !== "tenant");

const READS = Object.fromEntries(COLUMNS.map(({ id, read }) => [id, read]));

/** The sites come by their names: what is alike stays so. */
export function inOrder(sites: readonly SiteStatus[], sorting: Sorting): readonly SiteStatus[] {
  return sorted(sites, READS, sorting);
}

export function matches({ name, tenant }: SiteStatus, query: string): boolean {
  const hay = `${name}\n${tenant.name}`.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}
