import { Icon } from "./icon";

/** Beside the length of a list: its order waits while one points at it. The room is kept, so that nothing moves under the pointer. */
export function HeldSign({ on }: { on: boolean }) {
  return (
    <span className={`mr-1.5 inline-flex align-[-1px] ${on ? "" : "invisible"}`} title="Sorting waits while you point" data-held={on || undefined}>
      <Icon name="pause" size={12} />{on && <span className="sr-only">Sorting waits while you point. </span>}
    </span>
  );
}
