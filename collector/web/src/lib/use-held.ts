/**
 * Holds the order of the rows while a hand is on its way to one of them.
 *
 * In: `paused` or `hold`, by which the table says that the pointer is over it, and pointer movements. Out: true
 * while the order is to be held: over the table, and moved within `HOLD_MS`. A pointer that was
 * left lying there holds nothing.
 */
import { type RefObject, useCallback, useEffect, useRef } from "react";
import { useEachSecond } from "./live-app";

const HOLD_MS = 10_000;
/** The scrollers of lists that hold, at a desk and on a phone. */
const ROWS = "[data-rows]";

/** What a list that holds puts on its scroller. */
export const ROWS_MARK = { "data-rows": "" } as const;

export function useHeld(): [RefObject<boolean>, boolean, (isOver: boolean) => void] {
  const paused = useRef(false);
  const movedAt = useRef(0);
  useEffect(() => {
    const onMove = ({ target }: Event) => {
      movedAt.current = Date.now();
      // A table that goes away under the pointer never hears that it left.
      if (!(target instanceof Element && target.closest(ROWS))) paused.current = false;
    };
    addEventListener("pointermove", onMove, { passive: true });
    addEventListener("pointerdown", onMove, { passive: true });
    return () => {
      removeEventListener("pointermove", onMove);
      removeEventListener("pointerdown", onMove);
    };
  }, []);
  const held = useEachSecond(() => paused.current && Date.now() - movedAt.current < HOLD_MS);
  const hold = useCallback((isOver: boolean) => {
    paused.current = isOver;
  }, []);
  return [paused, held, hold];
}
