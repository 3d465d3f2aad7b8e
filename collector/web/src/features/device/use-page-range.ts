/** The one range of a device's page, in the URL. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { serverNow } from "../../lib/clock";
import { DEFAULT_RANGE, firstRange, fromSearch } from "../../lib/range";
import type { Device } from "../../lib/types";
import type { ChartRange } from "../charts/chart-scope";
import { useRange } from "../charts/use-range";
import { useOlder } from "./use-older";

export function usePageRange({ id, created_at }: Pick<Device, "id" | "created_at">): ChartRange {
  const { from, to, zone, compare } = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  // As it was when the page was opened. Under somebody who looks it changes once at most: to the usual one, when older samples are found.
  const [opened] = useState(serverNow);
  const born = Date.parse(created_at);
  const young = useMemo(() => firstRange(born, opened), [born, opened]);
  const first = useOlder(id, born, opened, young === DEFAULT_RANGE) ? DEFAULT_RANGE : young;
  const range = useMemo(() => fromSearch(from, to, first), [from, to, first]);
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
