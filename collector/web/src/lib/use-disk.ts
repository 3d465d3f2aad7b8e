/** Whether the collector stores what agents send. */
import { useQuery } from "@tanstack/react-query";
import { api, take } from "./api";

const EVERY_MS = 30_000;

/** True while it takes nothing for want of room; what nobody knows is not. */
export function useDiskFull(isAsked = true): boolean {
  const { data } = useQuery({
    queryKey: ["disk"],
    queryFn: async () => (await take(api.GET("/health/ready"))).data.disk,
    enabled: isAsked,
    refetchInterval: EVERY_MS,
  });
  return isAsked && data === "full";
}
