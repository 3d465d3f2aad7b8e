import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { subscribeSecond } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { reloadIfAnswered } from "../../lib/new-version";
import { firstTurn, isDue, step, stepPast, toggled, type Turn } from "./rotation";

export interface Turns {
  turn: Turn;
  everyMs: number;
  go: (by: number) => void;
  toggle: () => void;
}

/**
 * Shows the views in turn. A new version of the page is taken when the view changes.
 * By itself it goes past those of which `isSpent`; who presses a key sees them all.
 */
export function useTurns(views: number, everyS: number, isSpent: (at: number) => boolean): Turns {
  const [turn, setTurn] = useState(() => firstTurn(performance.now()));
  const everyMs = everyS * 1000;
  const now = useRef(turn);
  useEffect(() => {
    now.current = turn;
  }, [turn]);
  const onDue = useEffectEvent(() => setTurn(stepPast(now.current, views, performance.now(), isSpent)));
  useEffect(() => subscribeSecond(() => {
    if (!isDue(now.current, performance.now(), everyMs)) return;
    // A page that is not answered stays: it is better than none.
    if (live.isOutdated) void reloadIfAnswered();
    onDue();
  }), [everyMs]);
  const go = useCallback((by: number) => setTurn((one) => step(one, by, views, performance.now())), [views]);
  const toggle = useCallback(() => setTurn((one) => toggled(one, performance.now())), []);
  return { turn, everyMs, go, toggle };
}
