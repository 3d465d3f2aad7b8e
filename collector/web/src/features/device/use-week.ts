/** The last seven days of a device: since when it is as it is, and what happened last. Not the range of the charts. */
import { useQuery } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import type { Device, State } from "../../lib/types";
import type { Range } from "../../lib/range";
import { stateIn } from "./state-course";
import { type Happened, MOST, useTimeline } from "../timeline/use-timeline";
import { useRange } from "../charts/use-range";

export const WEEK: Range = { from: "now-7d", to: "now" };
const nothing = () => {};

export function useWeek(device: Pick<Device, "id" | "interval_s">): Happened {
  const { span } = useRange({ range: WEEK, zone: "local", compare: null, set: nothing, setZone: nothing, setCompare: nothing });
  return useTimeline(device, WEEK, span);
}

const DAY_MS = 86_400_000;

/** The state before a week without a change. Asked for of one that is unknown now: of others it is the present one. */
export function useStateBefore({ id, created_at: born }: Pick<Device, "id" | "created_at">, isAsked: boolean): State | null {
  const { data } = useQuery({
    queryKey: ["state-before", id],
    enabled: isAsked,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const at = (ms: number) => new Date(ms).toISOString();
      const query = { from: at(Date.parse(born) - DAY_MS), to: at(serverNow() - 7 * DAY_MS), limit: MOST };
      const { data: { items } } = await take(api.GET("/api/v1/devices/{id}/timeline", { params: { path: { id }, query } }));
      return stateIn(items.find(({ kind }) => kind === "state_changed"));
    },
  });
  return isAsked ? (data ?? null) : null;
}
