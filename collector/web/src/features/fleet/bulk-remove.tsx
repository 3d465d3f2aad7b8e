import { Confirm } from "../../ui/confirm";
import { deviceCount } from "./bulk";
import { REMOVE_WAIT_MS, removeSoon } from "./leaving";

/** So many are not lost by one click. */
const MANY = 20;

export function BulkRemove({ open, ids, onClose, onDone }: {
  open: boolean; ids: readonly string[]; onClose: () => void; onDone: () => void;
}) {
  const count = deviceCount(ids.length);
  return (
    <Confirm open={open} title={`Remove ${count}?`} action={`Remove ${count}`} busy={false} error={null}
      loses={["Their history and charts", "The credentials of their own"]}
      typed={ids.length >= MANY ? String(ids.length) : undefined}
      onOpenChange={(on) => on || onClose()}
      onConfirm={() => {
        removeSoon(ids);
        onDone();
      }}>
      They are polled no more. For {REMOVE_WAIT_MS / 1000} seconds it can be undone, and not after that.
    </Confirm>
  );
}
