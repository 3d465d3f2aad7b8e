/** The one range of a device's page, in the URL. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { fromSearch } from "../../lib/range";
import type { ChartRange } from "../charts/chart-scope";
import { useRange } from "../charts/use-range";

export function usePageRange(): ChartRange {
  const { from, to, zone, compare } = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const range = useMemo(() => fromSearch(from, to), [from, to]);
  // The router writes digits as numbers, which reads best in the URL.
  const plain = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);
  return useRange({
    range,
    zone: zone ?? "local",
    compare: compare ?? null,
    set: (next) => void navigate({ search: (old) => ({ ...old, from: plain(next.from), to: plain(next.to) }), resetScroll: false }),
    setZone: (next) => void navigate({ search: (old) => ({ ...old, zone: next === "utc" ? next : undefined }), replace: true, resetScroll: false }),
    setCompare: (next) => void navigate({ search: (old) => ({ ...old, compare: next ?? undefined }), replace: true, resetScroll: false }),
  });
}
