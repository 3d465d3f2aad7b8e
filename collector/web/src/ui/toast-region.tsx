import { useEffect, useSyncExternalStore } from "react";
import { LAYER } from "../lib/commands";
import { toasts } from "../lib/toasts";
import { useCommands } from "../lib/use-commands";
import { Button, IconButton } from "./button";
import { Icon } from "./icon";

/** The one place where the page tells what was just done. It waits while a pointer or the focus is in it. */
export function ToastRegion() {
  const list = useSyncExternalStore(toasts.subscribe, toasts.list);
  useCommands({ undo: list.some(({ undo }) => undo) && (() => toasts.undo()) }, LAYER.over);
  useEffect(() => {
    if (list.length === 0) return;
    const timer = setInterval(() => toasts.tick(Date.now()), 250);
    return () => clearInterval(timer);
  }, [list]);
  useEffect(() => {
    const end = () => toasts.endAll();
    addEventListener("pagehide", end);
    return () => removeEventListener("pagehide", end);
  }, []);
  const hold = () => toasts.hold(Date.now());
  const release = () => toasts.release(Date.now());
  return (
    // It has no keys and clicks of its own: only its time stands still.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <section aria-label="Just done" data-toasts onPointerEnter={hold} onPointerLeave={release} onFocus={hold}
      onBlur={({ currentTarget, relatedTarget }) => currentTarget.contains(relatedTarget) || release()}
      className="pointer-events-none fixed right-4 bottom-4 z-30 flex w-max max-w-[min(520px,calc(100vw-24px))] flex-col items-end gap-2
        phone:inset-x-3 phone:bottom-18 phone:w-auto phone:items-stretch">
      <div role="status" aria-live="polite" aria-relevant="additions" className="contents">
        {list.map(({ id, text, isBad, undo, ms }) => (
          <div key={id} data-toast={isBad ? "bad" : "done"}
            className={`pointer-events-auto flex animate-[rise_120ms_ease-out] items-center gap-3 rounded-lg border bg-raised py-1.5 pr-1.5 pl-3.5 shadow-(--shadow) ${
              isBad ? "border-down" : "border-edge"}`}>
            {isBad && <span className="text-down"><Icon name="warn" /></span>}
            <span className="min-w-0 flex-1 py-1 wrap-anywhere">{text}</span>
            {undo && (
              <Button className="h-7 shrink-0" title={`Undo (u), for ${Math.round(ms / 1000)} s`} onClick={() => toasts.undo(id)}>
                Undo <kbd className="font-mono text-2xs text-muted phone:hidden" aria-hidden="true">u</kbd>
              </Button>
            )}
            <IconButton label="Hide this" className="shrink-0" onClick={() => toasts.close(id)}><Icon name="close" size={14} /></IconButton>
          </div>
        ))}
      </div>
    </section>
  );
}
