import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties, type KeyboardEvent, type PointerEvent, type ReactNode, type Ref, type RefObject, useEffect, useEffectEvent,
  useImperativeHandle, useRef,
} from "react";
import { gridMove, step } from "../lib/grid-keys";
import { ROWS_MARK } from "../lib/use-held";
import { useCommands } from "../lib/use-commands";
import type { Selection } from "../lib/use-selection";
import { type GridRow, isOfRow, ROW } from "./grid-row";

const ROW_PX = 28;
export interface GridRows {
  /** Leads to the first row; false when there is none. */
  first: () => boolean;
}

interface Props {
  label: string;
  ids: readonly string[];
  chosen: string | null;
  onChoose: (id: string) => void;
  /** A click or Enter. */
  onOpen: (id: string) => void;
  /** A double click. */
  onPage: (id: string) => void;
  /** A link within a row was followed. */
  onFollow?: (id: string) => void;
  /** Null for who changes nothing. */
  selection: Selection | null;
  /** Set while the pointer is over the rows. */
  paused: RefObject<boolean>;
  head: ReactNode;
  headClass: string;
  renderRow: (row: GridRow) => ReactNode;
  /** Below the last row. */
  children?: ReactNode;
  className?: string;
  style?: CSSProperties | undefined;
  onPointerOver?: (event: PointerEvent) => void;
  ref: Ref<GridRows>;
}

function rowAt(target: EventTarget): string | undefined {
  return target instanceof Element ? target.closest(`[role=row][id^='${ROW}']`)?.id.slice(ROW.length) : undefined;
}

/** The frame of a live list at a desk: only the rows in sight are there, and keys move through all of them. */
export function LiveGrid({
  label, ids, chosen, onChoose, onOpen, onPage, onFollow, selection, paused, head, headClass, renderRow, children, className = "", style, onPointerOver, ref,
}: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 8,
  });
  const at = chosen ? ids.indexOf(chosen) : -1;
  const move = (to: number) => {
    const id = ids[to];
    if (!id) return;
    onChoose(id);
    virtual.scrollToIndex(to, { align: "auto" });
  };
  // Back from a row's page: the row is in sight and has the keys.
  const comeBack = useEffectEvent(() => {
    if (at < 0) return;
    virtual.scrollToIndex(at, { align: "center" });
    scroller.current?.focus({ preventScroll: true });
  });
  useEffect(() => comeBack(), []);
  // From anywhere on the page: the grid takes the focus, then its own keys work too.
  const enter = (by: number) => {
    scroller.current?.focus({ preventScroll: true });
    move(step(at, by, ids.length));
  };
  useImperativeHandle(ref, () => ({
    first: () => {
      if (ids.length > 0) enter(-ids.length);
      return ids.length > 0;
    },
  }));
  const mark = () => {
    if (chosen) selection?.toggle(chosen);
  };
  useCommands({ "list.next": () => enter(1), "list.previous": () => enter(-1), "list.mark": selection !== null && mark });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = gridMove(event, at, ids.length);
    // Enter on a heading or a link is theirs.
    const isOwn = event.target === event.currentTarget && chosen !== null;
    if (to !== null) move(to);
    else if (isOwn && event.key === "Enter") onOpen(chosen);
    else if (isOwn && event.key === " " && selection) mark();
    else return;
    event.preventDefault();
  };
  return (
    <div ref={scroller} role="grid" aria-label={label} aria-rowcount={ids.length + 1} aria-multiselectable={selection ? true : undefined} tabIndex={0}
      aria-activedescendant={chosen && at >= 0 ? ROW + chosen : undefined} {...ROWS_MARK} style={style}
      className={`min-h-0 flex-1 overflow-y-auto ${className}`} onKeyDown={onKeyDown} onPointerOver={onPointerOver}
      onPointerEnter={() => (paused.current = true)} onPointerLeave={() => (paused.current = false)}>
      <div role="row" aria-rowindex={1} className={`${headClass} sticky top-0 z-10 h-8 border-y border-line bg-surface text-muted`}>{head}</div>
      {/* The keyboard way is the grid's own: arrows, Space and Enter. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events */}
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}
        onDoubleClick={({ target }) => {
          const id = rowAt(target);
          if (id && isOfRow(target as Element, true)) onPage(id);
        }}
        onClick={({ target, defaultPrevented }) => {
          const id = rowAt(target);
          // Text was marked, to be copied: that is no wish to leave.
          if (!id || getSelection()?.isCollapsed === false) return;
          if (isOfRow(target as Element, defaultPrevented)) onOpen(id);
          else onFollow?.(id);
        }}>
        {virtual.getVirtualItems().map((item) => {
          const id = ids[item.index];
          return id ? renderRow({
            id, index: item.index, selected: id === chosen, marked: selection ? selection.has(id) : null, onMark: selection?.toggle,
            style: { height: ROW_PX, transform: `translateY(${item.start}px)` },
          }) : null;
        })}
      </div>
      {children}
    </div>
  );
}
