/** Processors, memory, disks, sensors and parts of a device, with their last values. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, PAGE, take, takeAll } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Device } from "../../lib/types";

/** A device that is polled more often is looked at this often. */
const LOOK_S = 5;

/** Kept up to date while somebody looks. */
export function useObjects({ id, interval_s: interval }: Pick<Device, "id" | "interval_s">) {
  const queries = useQueryClient();
  useEffect(() => live.onResync(() => void queries.invalidateQueries({ queryKey: ["objects", id] })), [queries, id]);
  return useQuery({
    queryKey: ["objects", id],
    queryFn: () => takeAll((cursor) => take(api.GET("/api/v1/devices/{id}/objects", {
      params: { path: { id }, query: cursor === undefined ? { limit: PAGE } : { limit: PAGE, cursor } },
    }))),
    refetchInterval: Math.max(LOOK_S, interval) * 1000,
  });
}
