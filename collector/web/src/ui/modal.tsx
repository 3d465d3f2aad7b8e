import { Dialog } from "radix-ui";
import type { ReactNode } from "react";
import { Icon } from "./icon";
import { IconButton } from "./button";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: string;
  children: ReactNode;
  wide?: boolean;
  /** It shows what cannot be shown again: a click beside it does not close it. */
  held?: boolean;
}

export function Modal({ open, onOpenChange, title, description, children, wide, held }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Dialog.Content
          onInteractOutside={(event) => held && event.preventDefault()}
          className={`fixed top-[12vh] left-1/2 z-50 flex max-h-[80vh] w-[calc(100vw-24px)] -translate-x-1/2
            animate-[rise_120ms_ease-out] flex-col overflow-hidden rounded-xl border border-edge bg-raised shadow-(--shadow)
            phone:top-3 phone:max-h-[calc(100dvh-24px)] ${wide ? "max-w-[600px]" : "max-w-[460px]"}`}
        >
          <header className="flex items-start justify-between gap-4 border-b border-line px-5 pt-4 pb-3">
            <div>
              <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
              <Dialog.Description className="mt-0.5 text-muted">{description}</Dialog.Description>
            </div>
            <Dialog.Close asChild>
              <IconButton label="Close" className="-mr-2">
                <Icon name="close" />
              </IconButton>
            </Dialog.Close>
          </header>
          <div className="min-h-0 overflow-y-auto px-5 py-4">{children}</div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
