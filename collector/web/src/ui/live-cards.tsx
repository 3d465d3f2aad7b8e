import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, type RefObject, useRef } from "react";
import { ROWS_MARK } from "../lib/use-held";

interface Props {
  label: string;
  ids: readonly string[];
  /** All cards are as high as that. */
  cardPx: number;
  /** Set while a finger is on the cards: it rests there only while it scrolls. */
  paused: RefObject<boolean>;
  renderCard: (id: string, style: CSSProperties) => ReactNode;
  /** Below the last card. */
  children?: ReactNode;
}

/** The frame of a live list on a phone: only the cards in sight are there. */
export function LiveCards({ label, ids, cardPx, paused, renderCard, children }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => cardPx,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 4,
  });
  return (
    <div ref={scroller} {...ROWS_MARK} className="min-h-0 flex-1 overflow-y-auto" onTouchStart={() => (paused.current = true)}
      onTouchEnd={() => (paused.current = false)} onTouchCancel={() => (paused.current = false)}>
      <ul aria-label={label} className="relative m-0 list-none p-0" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const id = ids[item.index];
          return id ? renderCard(id, { height: cardPx, transform: `translateY(${item.start}px)` }) : null;
        })}
      </ul>
      {children}
    </div>
  );
}
