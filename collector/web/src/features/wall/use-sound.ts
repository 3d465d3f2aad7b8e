import { useEffect, useRef, useState } from "react";
import { live, useEachSecond, useTableValue } from "../../lib/live-app";
import { severityOf, standingOf } from "../alerts/standing";
import { hasNew, isSoundReady, isSoundWanted, playTone, readySound, wantSound } from "./sound";
import { secondMs } from "./use-wall-rows";

/** Ids of what calls for somebody now, parted by blanks; null while nothing is known. */
function calling(): string | null {
  if (live.alerts.phase === "idle" || (live.alerts.phase !== "ready" && live.alerts.size === 0)) return null;
  const found = live.alerts.list().filter((alert) =>
    severityOf(alert) === "critical" && standingOf(alert, secondMs()) === "firing" && !alert.unknown);
  return found.map(({ id }) => id).toSorted().join(" ");
}

export interface Sound {
  isOn: boolean;
  /** On, and the browser lets nothing be heard before a key or a click. */
  isWaiting: boolean;
  toggle: () => void;
}

/** Off until somebody switches it on at the screen; then remembered there. */
export function useSound(): Sound {
  const [isOn, setOn] = useState(isSoundWanted);
  const ids = useTableValue(live.alerts, calling);
  const before = useRef<ReadonlySet<string> | null>(null);
  const isWaiting = useEachSecond(() => isOn && !isSoundReady());
  useEffect(() => {
    if (ids === null) return;
    const now = new Set(ids ? ids.split(" ") : []);
    if (isOn && hasNew(before.current, now)) playTone();
    before.current = now;
  }, [ids, isOn]);
  useEffect(() => {
    if (!isOn) return;
    void readySound();
    const touched = () => void readySound();
    addEventListener("pointerdown", touched);
    addEventListener("keydown", touched);
    return () => {
      removeEventListener("pointerdown", touched);
      removeEventListener("keydown", touched);
    };
  }, [isOn]);
  const toggle = () => {
    wantSound(!isOn);
    setOn(!isOn);
    if (!isOn) void readySound().then((ready) => ready && playTone());
  };
  return { isOn, isWaiting, toggle };
}
