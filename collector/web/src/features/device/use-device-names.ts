/** How a device is called while the fleet, which knows its namesakes, may not be loaded. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, take } from "../../lib/api";
import { live, useTableValue } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { Names } from "../../lib/names";
import type { Device } from "../../lib/types";

/** Namesakes beyond the first few change nothing. */
const LIMIT = 20;

async function namesakes(words: readonly string[]): Promise<Device[]> {
  const answers = await Promise.all(words.map((q) =>
    take(api.GET("/api/v1/devices", { params: { query: { q, limit: LIMIT } } }))));
  return answers.flatMap(({ data }) => data);
}

export function useNamesOf(device: Device | undefined): Names {
  const known = useDeviceNames();
  const isFleetHere = useTableValue(live.devices, ({ phase }) => phase === "ready");
  const words = device ? [...new Set([device.name, device.address])] : [];
  const { data } = useQuery({
    queryKey: ["namesakes", ...words],
    queryFn: () => namesakes(words),
    enabled: words.length > 0 && !isFleetHere,
  });
  return useMemo(() => {
    if (isFleetHere || !device) return known;
    return new Names([device, ...(data ?? [])]);
  }, [isFleetHere, device, data, known]);
}
