/**
 * The rule of every list: a click or Enter shows the row beside the list, once more, a double click
 * or its name opens its page. The panel follows the row that the keys are at. A phone has no room
 * beside: a tap opens the page.
 */
import { useState } from "react";
import { usePhone } from "./use-phone";

export interface Beside {
  /** The row that the keys are at. */
  chosen: string | null;
  choose: (id: string) => void;
  /** A click or Enter. */
  show: (id: string) => void;
  toPage: (id: string) => void;
  /** One step back: the panel, then the choice. False where neither is. */
  back: () => boolean;
}

export function useBeside({ first, open, setOpen, toPage }: {
  /** Chosen when the list was here last. */
  first: string | null;
  /** The one beside the list; the URL holds it. */
  open: string | undefined;
  setOpen: (id: string | undefined) => void;
  toPage: (id: string) => void;
}): Beside {
  const phone = usePhone();
  const [chosen, setChosen] = useState(open ?? first);
  const choose = (id: string) => {
    setChosen(id);
    if (open && open !== id) setOpen(id);
  };
  return {
    chosen, choose, toPage,
    show: (id) => {
      setChosen(id);
      if (phone || open === id) toPage(id);
      else setOpen(id);
    },
    back: () => {
      if (open) setOpen(undefined);
      else if (chosen) setChosen(null);
      else return false;
      return true;
    },
  };
}
