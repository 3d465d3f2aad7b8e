/** Tells when a loaded series has holes that the server could fill by now. */
import { useEffect, useRef } from "react";
import { live, toldNow, useDevice, useEachSecond } from "../../lib/live-app";
import { isBackfilling } from "../../lib/state";
import type { TailPoint } from "./chart-data";

/** Polls that may be missed before a pause counts as a gap. */
const GAP_INTERVALS = 3;

/** Time of the newest point if more than `gapS` lie before it, else null. */
export function jumpAt(tail: readonly TailPoint[], gapS: number): number | null {
  const [before, last] = tail.slice(-2);
  return before && last && last.t - before.t > gapS ? last.t : null;
}

/**
 * Calls `reload` after a resync, when the page is seen again, when the tail jumps as it does after a
 * broken stream, and when the device's agent has sent what it kept.
 */
export function useReload(id: string, tail: readonly TailPoint[], stepS: number, reload: () => void): void {
  useEffect(() => live.onResync(reload), [reload]);
  useEffect(() => {
    const onSeen = () => {
      // A hidden page draws no frames, so its tail has only the last of what came.
      if (document.visibilityState === "visible") reload();
    };
    document.addEventListener("visibilitychange", onSeen);
    return () => document.removeEventListener("visibilitychange", onSeen);
  }, [reload]);

  const device = useDevice(id);
  const jump = jumpAt(tail, Math.max(GAP_INTERVALS * (device?.interval_s ?? Infinity), 2 * stepS));
  useEffect(() => {
    if (jump !== null) reload();
  }, [jump, reload]);

  useEffect(() => live.ensureAgents(), []);
  const agent = device?.agent.id;
  const isBehind = useEachSecond(
    () => agent !== undefined && isBackfilling(live.agents.get(agent), toldNow()),
  );
  const wasBehind = useRef(isBehind);
  useEffect(() => {
    if (wasBehind.current && !isBehind) reload();
    wasBehind.current = isBehind;
  }, [isBehind, reload]);
}
