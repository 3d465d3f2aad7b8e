/** Keys of a short list whose rows are all on the page: they move the chosen row, and it has the focus. */
import type { MouseEvent } from "react";
import { isOfRow } from "../ui/grid-row";
import { step } from "./grid-keys";
import type { Beside } from "./use-beside";
import { useCommands } from "./use-commands";

/** What a row of such a list bears. */
export function rowMark(id: string, chosen: string | null) {
  return { "data-at": id, tabIndex: -1, ...(id === chosen ? { "data-chosen": "", "aria-current": true } : {}) } as const;
}

/** Clicks on the row itself do what Enter does, and two at once lead to its page. */
export function rowClicks(id: string, { show, toPage }: Beside) {
  return {
    onClick: ({ target, defaultPrevented }: MouseEvent) => {
      // Text was marked, to be copied: that is no wish to leave.
      if (getSelection()?.isCollapsed === false) return;
      if (isOfRow(target as Element, defaultPrevented)) show(id);
    },
    onDoubleClick: ({ target }: MouseEvent) => {
      if (isOfRow(target as Element, true)) toPage(id);
    },
  };
}

export function useRowKeys(ids: readonly string[], { chosen, choose, show }: Beside): void {
  const move = (by: number) => {
    const id = ids[step(chosen === null ? -1 : ids.indexOf(chosen), by, ids.length)];
    if (!id) return;
    choose(id);
    document.querySelector<HTMLElement>(`[data-at="${CSS.escape(id)}"]`)?.focus();
  };
  useCommands({
    "list.next": () => move(1), "list.previous": () => move(-1),
    "list.open": chosen !== null && ids.includes(chosen) && (() => show(chosen)),
  });
}
