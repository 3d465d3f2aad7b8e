import { Popover as Radix } from "radix-ui";
import type { ReactNode, RefObject } from "react";

interface Props {
  label: string;
  /** What it opens beside, and where the focus goes back to. */
  anchor: RefObject<HTMLElement | null>;
  align: "start" | "end";
  /** Where it opens if there is room. */
  side?: "top" | "bottom";
  /** Its size, and what its content needs. */
  className: string;
  onClose: () => void;
  children: ReactNode;
}

/** What a button has opened, while it is open: the button that opened it closes it again. */
export function Popover({ label, anchor, align, side = "bottom", className, onClose, children }: Props) {
  return (
    <Radix.Root open onOpenChange={(open) => open || onClose()}>
      <Radix.Anchor virtualRef={anchor as RefObject<HTMLElement>} />
      <Radix.Portal>
        <Radix.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={12}
          aria-label={label}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            anchor.current?.focus();
          }}
          onInteractOutside={(event) => {
            // The button that opened it closes it by its own click.
            if (event.target instanceof Node && anchor.current?.contains(event.target)) event.preventDefault();
          }}
          className={`z-50 max-w-[calc(100vw-24px)] rounded-lg border border-edge bg-raised p-1.5 shadow-(--shadow) ${className}`}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
