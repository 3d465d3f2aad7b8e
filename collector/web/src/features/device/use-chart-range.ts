/** The one range of a device's charts, in the URL, and what moves it. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { currentSecond, serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { absolute, DEFAULT_RANGE, fromSearch, isLive, type Range, resolve, shift, zoomOut } from "../../lib/range";

/** A live chart slides by one pixel at a time; its edge is ahead of now, never behind. */
function slideSeconds(spanMs: number): number {
  return Math.max(1, Math.round(spanMs / 1000 / 600));
}

export function useChartRange() {
  const search = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const range = useMemo(() => fromSearch(search.from, search.to), [search.from, search.to]);
  const set = ({ from, to }: Range) => {
    // The router writes digits as numbers, which reads best in the URL.
    const plain = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);
    void navigate({ search: (old) => ({ ...old, from: plain(from), to: plain(to) }) });
  };
  const still = resolve(range, serverNow());
  const slide = slideSeconds(still ? still.to - still.from : 0);
  const edge = useEachSecond(() => (isLive(range) ? Math.ceil((currentSecond() + 1) / slide) * slide : 0));
  const span = resolve(range, edge ? edge * 1000 : serverNow());
  // The way back to live leads to the live range one came from.
  const [lastLive, setLastLive] = useState(isLive(range) ? range : DEFAULT_RANGE);
  if (isLive(range) && range !== lastLive) setLastLive(range);
  return {
    range,
    span,
    isLive: isLive(range),
    set,
    shift: (by: 1 | -1) => span && set(shift(span, by, serverNow())),
    zoomOut: () => set(zoomOut(range, serverNow())),
    zoom: (from: number, to: number) => set(absolute(from, to)),
    reset: () => set(lastLive),
  };
}

export type ChartRange = ReturnType<typeof useChartRange>;
