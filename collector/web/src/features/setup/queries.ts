/** What the pages of a scan ask the collector for. */
import { useQuery } from "@tanstack/react-query";
import { api, ApiError, PAGE, take } from "../../lib/api";
import type { Scan } from "../../lib/types";

const LOOK_MS = 1000;
/** Twenty of each tenant are kept. */
const SCANS_SHOWN = 20;

export function isOver({ state }: Pick<Scan, "state">): boolean {
  return state !== "running" && state !== "waiting";
}

export const scanKey = (id: string) => ["scan", id] as const;
export const scansKey = (agent: string) => ["scans", agent] as const;

/** A scan, asked for each second while it is under way. */
export function useScan(id: string | undefined) {
  return useQuery({
    queryKey: scanKey(id ?? ""),
    enabled: id !== undefined,
    queryFn: async () => (await take(api.GET("/api/v1/scans/{id}", { params: { path: { id: id ?? "" } } }))).data,
    refetchInterval: ({ state: { data, error } }) => (error instanceof ApiError && error.status < 500 && error.status > 0) || (data && isOver(data)) ? false : LOOK_MS,
  });
}

/** Those of one agent, the newest first. */
export function useScans(agent: string) {
  return useQuery({
    queryKey: scansKey(agent),
    queryFn: async () => (await take(api.GET("/api/v1/scans", { params: { query: { agent, limit: SCANS_SHOWN } } }))).data,
  });
}

/** Networks that the agent is in: it is asked now. */
export function useNetworks(agent: string, isUp: boolean) {
  return useQuery({
    queryKey: ["networks", agent],
    enabled: isUp,
    retry: false,
    queryFn: async () => (await take(api.GET("/api/v1/agents/{id}/networks", { params: { path: { id: agent } } }))).data.networks,
  });
}

/** The profiles of SNMP in reach of a site, which a scan of it tries. */
export function useProfilesInReach(tenant: string, site: string) {
  const query = useQuery({
    queryKey: ["credential-profiles", "in reach", tenant],
    enabled: tenant !== "",
    queryFn: async () => (await take(api.GET("/api/v1/credential-profiles", { params: { query: { tenant, limit: PAGE } } }))).data,
  });
  return {
    ...query,
    profiles: query.data?.filter((one) => one.kind !== "ssh_login" && (!one.site || one.site.id === site)),
  };
}
