import { Dialog } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./button";
import { Icon } from "./icon";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  children: ReactNode;
  /** It shows what cannot be shown again: a click beside it does not close it. */
  held?: boolean;
}

/** A form beside the list that it changes; the whole screen on the phone. */
export function SidePanel({ open, onOpenChange, title, description, children, held }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Dialog.Content
          onInteractOutside={(event) => held && event.preventDefault()}
          className="fixed inset-y-0 right-0 z-50 flex w-[440px] max-w-full animate-[slide_140ms_ease-out] flex-col
            border-l border-edge bg-raised shadow-(--shadow) phone:w-full phone:border-l-0"
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
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto px-5 py-4">{children}</div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
