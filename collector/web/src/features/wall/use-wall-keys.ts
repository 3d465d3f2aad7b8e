import { useEffect, useEffectEvent } from "react";
import { type Bindings, KeyMatcher } from "../../lib/keys";

/** The few keys of a wall. They are no commands: nothing else is there that could want them. */
export function useWallKeys(bindings: Bindings): void {
  const read = useEffectEvent(() => bindings);
  useEffect(() => {
    const matcher = new KeyMatcher();
    const listen = (event: KeyboardEvent) => {
      const run = matcher.match(event, read(), event.timeStamp);
      if (!run) return;
      event.preventDefault();
      run();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
