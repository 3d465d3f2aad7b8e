/** Whether samples of a device are older than its entry: of one whose history was brought along. */
import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { DEFAULT_RANGE, resolve } from "../../lib/range";

/** The agent's clock may be a little behind that of the server. */
const SLACK_MS = 60_000;
/** Each poll has one of these, answered or not. */
const ALWAYS = "icmp_up,snmp_up";

/** Within the usual range, so that it would not be empty. `isOff`: nobody wants to know. */
export function useOlder(id: string, bornMs: number, openedMs: number, isOff: boolean): boolean {
  const { data } = useQuery({
    queryKey: ["older", id],
    enabled: !isOff,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const from = resolve(DEFAULT_RANGE, openedMs)?.from ?? bornMs;
      const to = bornMs - SLACK_MS;
      if (from >= to) return false;
      const query = { metric: ALWAYS, object: "", from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: 1 };
      const set = (await take(api.GET("/api/v1/devices/{id}/series", { params: { path: { id }, query }, signal }))).data;
      return set.series.some(({ points }) => points.some(([, value]) => typeof value === "number"));
    },
  });
  return data ?? false;
}
