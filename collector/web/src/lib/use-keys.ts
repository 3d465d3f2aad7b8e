import { useEffect, useEffectEvent } from "react";
import { type Bindings, KeyMatcher, keysEnabled } from "./keys";

/** Binds keys while mounted. An open dialog keeps them to itself. */
export function useKeys(bindings: Bindings): void {
  const onKey = useEffectEvent((event: KeyboardEvent, matcher: KeyMatcher) => {
    if (event.defaultPrevented) return;
    // The switch is for characters that speech input may type; Escape and its like stay.
    if (event.key.length === 1 && !keysEnabled()) return;
    if (document.querySelector("[role=dialog],[role=alertdialog],[role=menu],[role=listbox]")) return;
    const run = matcher.match(event, bindings, event.timeStamp);
    if (!run) return;
    event.preventDefault();
    run();
  });
  useEffect(() => {
    const matcher = new KeyMatcher();
    const listen = (event: KeyboardEvent) => onKey(event, matcher);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
