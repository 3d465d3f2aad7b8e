import { useCallback, useEffect, useRef, useState } from "react";
import { subscribeSecond } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { reloadIfAnswered } from "../../lib/new-version";
import { firstTurn, isDue, step, toggled, type Turn } from "./rotation";

export interface Turns {
  turn: Turn;
  everyMs: number;
  go: (by: number) => void;
  toggle: () => void;
}

/** Shows the views in turn. A new version of the page is taken when the view changes. */
export function useTurns(views: number, everyS: number): Turns {
  const [turn, setTurn] = useState(() => firstTurn(performance.now()));
  const everyMs = everyS * 1000;
  const now = useRef(turn);
  useEffect(() => {
    now.current = turn;
  }, [turn]);
  useEffect(() => subscribeSecond(() => {
    if (!isDue(now.current, performance.now(), everyMs)) return;
    // A page that is not answered stays: it is better than none.
    if (live.isOutdated) void reloadIfAnswered();
    setTurn((one) => step(one, 1, views, performance.now()));
  }), [views, everyMs]);
  const go = useCallback((by: number) => setTurn((one) => step(one, by, views, performance.now())), [views]);
  const toggle = useCallback(() => setTurn((one) => toggled(one, performance.now())), []);
  return { turn, everyMs, go, toggle };
}
