import { Dialog } from "radix-ui";
import { type ReactNode, useState } from "react";
import { IconButton } from "./button";
import { Icon } from "./icon";
import { InPanelContext } from "./in-panel";

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  children: ReactNode;
  /** It shows what cannot be shown again: a click beside it does not close it. */
  held?: boolean | undefined;
}

/** The veil, the box on it and the head of the box; where the box stands is the caller's. */
export function DialogFrame({ open, onOpenChange, title, description, children, held, className }: DialogProps & {
  className: string;
}) {
  // Before a field of it takes the focus by itself: that is where the focus goes back to.
  const [from, setFrom] = useState<{ open: boolean; at: Element | null }>({ open: false, at: null });
  if (open !== from.open) setFrom({ open, at: open ? document.activeElement : from.at });
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Dialog.Content
          onInteractOutside={(event) => held && event.preventDefault()}
          onCloseAutoFocus={(event) => {
            if (!(from.at instanceof HTMLElement) || !from.at.isConnected || from.at === document.body) return;
            event.preventDefault();
            from.at.focus({ preventScroll: true });
          }}
          className={`fixed z-50 flex flex-col border-edge bg-raised shadow-(--shadow) ${className}`}
        >
          <header className="flex items-start justify-between gap-4 border-b border-line px-5 pt-4 pb-3">
            <div className="min-w-0">
              <Dialog.Title className="text-lg font-semibold wrap-anywhere">{title}</Dialog.Title>
              <Dialog.Description className="mt-0.5 text-muted">{description}</Dialog.Description>
            </div>
            <Dialog.Close asChild>
              <IconButton label="Close" className="-mr-2">
                <Icon name="close" />
              </IconButton>
            </Dialog.Close>
          </header>
          {/* The buttons of a form have its lower edge; what has the focus stands above them. */}
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto px-5 py-4 has-[form]:scroll-pb-20 has-[form]:pb-0">
            <InPanelContext value={true}>{children}</InPanelContext>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
