import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from "react";
import { gridMove, step } from "../../lib/grid-keys";
import { useKeys } from "../../lib/use-keys";
import { Button } from "../../ui/button";
import { AlertRow, gridClass, Heads } from "./alert-row";
import type { Inbox } from "./use-inbox";
import type { Selection } from "../fleet/use-selection";

const ROW_PX = 28;

export interface AlertRows {
  /** Leads to the first row; false when there is none. */
  first: () => boolean;
}

interface Props {
  inbox: Inbox;
  chosen: string | null;
  onChoose: (id: string) => void;
  onOpen: (id: string) => void;
  /** Null for who changes nothing. */
  selection: Selection | null;
  ref: Ref<AlertRows>;
}

/** The alerts at a desk: one line each, moved through by keys. */
export function AlertTable({ inbox, chosen, onChoose, onOpen, selection, ref }: Props) {
  const { ids, paused, past, isMixed } = inbox;
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
  // Back from an alert: the row it was opened from is in sight and has the keys.
  const comeBack = useEffectEvent(() => {
    if (at < 0) return;
    virtual.scrollToIndex(at, { align: "center" });
    scroller.current?.focus({ preventScroll: true });
  });
  useEffect(() => comeBack(), []);
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
  useKeys({
    j: () => enter(1),
    k: () => enter(-1),
    x: () => chosen && selection?.toggle(chosen),
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = gridMove(event, at, ids.length);
    if (to !== null) move(to);
    else if (event.key === "Enter" && event.target === event.currentTarget && chosen) onOpen(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <div ref={scroller} role="grid" aria-label="Alerts" aria-rowcount={ids.length + 1} tabIndex={0}
      aria-activedescendant={chosen && at >= 0 ? `row-${chosen}` : undefined}
      className="@container min-h-0 min-w-0 flex-1 overflow-y-auto" onKeyDown={onKeyDown}
      onPointerEnter={() => (paused.current = true)} onPointerLeave={() => (paused.current = false)}>
      <div role="row" aria-rowindex={1} className={`${gridClass(isMixed)} sticky top-0 z-10 h-8 border-y border-line bg-surface text-muted`}>
        <Heads isMixed={isMixed} />
      </div>
      {/* The keyboard way is the grid's own: arrows and Enter. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events */}
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}
        onClick={(event) => {
          const target = event.target instanceof Element ? event.target : null;
          const id = target?.closest("[data-alert]")?.getAttribute("data-alert");
          // Text was marked, to be copied: that is no wish to leave.
          if (!id || getSelection()?.isCollapsed === false || target?.closest("a, label")) return;
          onChoose(id);
          onOpen(id);
        }}>
        {virtual.getVirtualItems().map((item) => {
          const id = ids[item.index];
          return id ? (
            <AlertRow key={id} id={id} past={past.byId.get(id)} index={item.index} selected={id === chosen}
              marked={selection ? selection.has(id) : null} onMark={selection?.toggle}
              style={{ height: ROW_PX, transform: `translateY(${item.start}px)` }} />
          ) : null;
        })}
      </div>
      <More inbox={inbox} />
    </div>
  );
}

/** The next page of what is over. */
export function More({ inbox: { past } }: { inbox: Inbox }) {
  if (!past.more) return null;
  return (
    <Button className="m-3" disabled={past.isLoadingMore} onClick={past.more}>
      {past.isLoadingMore ? "Loading…" : "Show more"}
    </Button>
  );
}
