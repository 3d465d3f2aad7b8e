import type { ReactNode } from "react";
import { IconButton } from "./button";
import { Icon } from "./icon";

interface Props {
  /** Of what: «alert», «device». */
  of: string;
  id: string;
  /** Its name, which leads to its page. */
  title: ReactNode;
  description: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** One of a list, beside it: it is no dialog, so that the keys of the list go on working. */
export function Aside({ of, id, title, description, onClose, children }: Props) {
  return (
    <aside aria-label={`The chosen ${of}`} className="flex w-[min(440px,46vw)] shrink-0 flex-col border-l border-edge bg-raised"
      data-panel={of} data-panel-of={id}>
      <header className="flex items-start justify-between gap-4 border-b border-line px-5 pt-3 pb-2">
        <div className="min-w-0">
          <h2 className="text-lg font-semibold wrap-anywhere">{title}</h2>
          <p className="text-muted wrap-anywhere">{description}</p>
        </div>
        <IconButton label="Close (Esc)" className="-mr-2" onClick={onClose}><Icon name="close" /></IconButton>
      </header>
      <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-y-auto px-5 py-4">{children}</div>
    </aside>
  );
}

/** What the link to the page of the chosen one says, everywhere the same. */
export const TO_PAGE = "Open its page (Enter)";
export const TO_PAGE_LOOK = "self-start text-accent underline underline-offset-4";
