import { Icon } from "../../ui/icon";
import { type QueuedAct, queuedWord } from "./queue";

/** Somebody did something about it here, and it is not sent yet. */
export function QueuedBadge({ act }: { act: QueuedAct["act"] }) {
  return (
    <span data-queued={act} className="inline-flex min-w-0 items-center gap-1.5 text-degraded">
      <Icon name="clock" size={13} /><span className="clip">{queuedWord(act)}</span>
    </span>
  );
}
