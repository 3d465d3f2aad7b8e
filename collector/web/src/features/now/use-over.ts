/** What ended and what was changed in the last hours: asked for once a minute; what ends meanwhile is live. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, PAGE, take } from "../../lib/api";
import { currentSecond } from "../../lib/clock";
import { narrowed, useScope } from "../../lib/scope";
import { useEachSecond } from "../../lib/live-app";
import { OVER_H, overSince } from "./over";
import { useAlertsInScope } from "./use-in-scope";

const AGAIN_MS = 60_000;
const currentMinute = () => Math.floor(currentSecond() / 60);

interface Changed {
  device: { id: string; name: string };
  /** The id of the new configuration. */
  version: string;
  at: string;
}

export function useOver() {
  const scope = narrowed(useScope());
  const minute = useEachSecond(currentMinute);
  const sinceMs = minute * 60_000 - OVER_H * 3_600_000;
  const from = () => new Date(sinceMs).toISOString();
  const alerts = useQuery({
    queryKey: ["alerts", "over", scope], refetchInterval: AGAIN_MS,
    queryFn: () => take(api.GET("/api/v1/alerts", { params: { query: { ...scope, resolved_from: from(), limit: PAGE } } })),
  });
  // Who may not see configurations learns of none.
  const jobs = useQuery({
    queryKey: ["configs", "changed", scope], refetchInterval: AGAIN_MS, retry: false,
    queryFn: () => take(api.GET("/api/v1/config-jobs", { params: { query: { ...scope, changed_from: from(), limit: PAGE } } })),
  });
  const open = useAlertsInScope();
  const listed = alerts.data?.data;
  return {
    sinceMs,
    over: useMemo(() => (listed ? overSince([...open, ...listed], sinceMs) : null), [open, listed, sinceMs]),
    /** There are more than one answer tells. */
    isCut: listed?.length === PAGE,
    changed: useMemo(() => {
      const found = new Map<string, Changed>();
      for (const { device, version, changed, ended_at: at } of jobs.data?.data ?? []) {
        // The newest first: each device is told once.
        if (changed && version && at && Date.parse(at) >= sinceMs && !found.has(device.id)) found.set(device.id, { device, version, at });
      }
      return [...found.values()];
    }, [jobs.data, sinceMs]),
    error: alerts.error,
  };
}
