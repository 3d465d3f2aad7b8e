import { useEffect, useEffectEvent } from "react";
import { LAYER, registry, type Runs } from "./commands";
import { KeyMatcher, keysEnabled } from "./keys";

const MODAL = "[role=dialog],[role=alertdialog],[role=menu],[role=listbox]";

/** One listener for the keys of all commands. An open dialog keeps them to itself. */
function listenToKeys(): () => void {
  const matcher = new KeyMatcher();
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    // The switch is for characters that speech input may type; Escape and its like stay.
    const isSingle = event.key.length === 1 && !event.ctrlKey && !event.metaKey;
    if ((isSingle && !keysEnabled()) || document.querySelector(MODAL)) return;
    const run = matcher.match(event, registry.bindings(), event.timeStamp);
    if (!run) return;
    event.preventDefault();
    run();
  };
  addEventListener("keydown", listen);
  return () => removeEventListener("keydown", listen);
}

let users = 0;
let stopListening = () => {};

/** These work while the caller is mounted: by their keys, and in the palette. */
export function useCommands(runs: Runs, layer: number = LAYER.page): void {
  const read = useEffectEvent(() => runs);
  useEffect(() => {
    if (users === 0) stopListening = listenToKeys();
    users += 1;
    const remove = registry.register(() => read(), layer);
    return () => {
      remove();
      users -= 1;
      if (users === 0) stopListening();
    };
  }, [layer]);
}
