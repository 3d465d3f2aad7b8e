import { AlertDialog } from "radix-ui";
import type { ReactNode } from "react";
import { ErrorNote } from "./error-note";
import { Button } from "./button";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
  action: string;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back. The title names the thing. */
export function Confirm({
  open, onOpenChange, title, children, action, busy, error, onConfirm,
}: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <AlertDialog.Content
          className="fixed top-[20vh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-[440px] -translate-x-1/2
            animate-[rise_120ms_ease-out] rounded-xl border border-edge bg-raised p-5 shadow-(--shadow)"
        >
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-muted">{children}</AlertDialog.Description>
          {error && <ErrorNote error={error} className="mt-3" />}
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Keep it</Button>
            </AlertDialog.Cancel>
            <Button look="danger" disabled={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
