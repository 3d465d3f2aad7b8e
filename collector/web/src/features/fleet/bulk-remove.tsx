import { useMutation } from "@tanstack/react-query";
import { live } from "../../lib/live-app";
import { Confirm } from "../../ui/confirm";
import { deviceCount, removeMany } from "./bulk";

/** So many are not lost by one click. */
const MANY = 20;

export function BulkRemove({ open, ids, onClose, onDone }: {
  open: boolean; ids: readonly string[]; onClose: () => void; onDone: () => void;
}) {
  const remove = useMutation({
    mutationFn: removeMany,
    onSuccess: () => {
      for (const id of ids) live.forgetDevice(id);
      onDone();
    },
  });
  const count = deviceCount(ids.length);
  return (
    <Confirm open={open} title={`Remove ${count}?`} action={`Remove ${count}`} busy={remove.isPending} error={remove.error}
      loses={["Their history and charts", "The credentials of their own"]}
      typed={ids.length >= MANY ? String(ids.length) : undefined}
      onOpenChange={(on) => {
        if (on) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => remove.mutate(ids)}>
      They are polled no more. It cannot be taken back.
    </Confirm>
  );
}
