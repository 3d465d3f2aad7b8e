import { useNavigate } from "@tanstack/react-router";
import { type RefObject, useMemo, useState } from "react";
import { usePhone } from "../../lib/use-phone";
import { hrefOf, type Item, signOfAll } from "../timeline/kinds";
import { inside, layout } from "../timeline/layout";
import { SignShape } from "../timeline/sign-shape";
import { Told } from "../timeline/told";
import { useWidth } from "../timeline/use-width";
import { LEFT_PX, RIGHT_PX } from "./chart-options";

/** Marks that a pointer can tell apart. */
const NEAR_PX = 24;

const MARK = "absolute inline-flex h-4 w-5 -translate-x-1/2 -translate-y-full items-center justify-center rounded-full";

interface Props {
  events: readonly Item[];
  device: string;
  from: number;
  to: number;
}

/**
 * What happened, on the time axis of a chart. For the pointer alone: the line below the charts has the
 * same marks for the keyboard and for screen readers, once and not for each chart.
 */
export function ChartMarks({ events, device, from, to }: Props) {
  const [line, width] = useWidth();
  const [pointed, setPointed] = useState<number | null>(null);
  const navigate = useNavigate();
  const phone = usePhone();
  const marks = useMemo(() => layout(inside(events, { from, to }), from, to, NEAR_PX / width), [events, from, to, width]);
  const told = pointed === null ? null : marks[pointed];
  const open = (items: readonly Item[]) => {
    const [item, more] = items;
    const href = item && !more ? hrefOf(item, device) : null;
    if (href) void navigate({ to: href });
  };
  return (
    <div aria-hidden="true" className="pointer-events-none absolute inset-x-0 bottom-[26px] print:hidden" style={{ paddingLeft: LEFT_PX, paddingRight: RIGHT_PX }}>
      <div ref={line as RefObject<HTMLDivElement | null>} className="relative" data-chart-marks={marks.length}>
        {marks.map(({ share, items }, i) => {
          const shape = <span className="inline-flex rounded-full bg-bg"><SignShape sign={signOfAll(items)} count={items.length} size={10} /></span>;
          const of = { style: { left: `${100 * share}%` }, "data-chart-mark": items.length === 1 ? items[0]?.kind : "many" };
          // A finger is too large for it: there it is a sign alone.
          return phone ? <span key={`${items[0]?.at} ${items.length}`} {...of} className={MARK}>{shape}</span> : (
            <button key={`${items[0]?.at} ${items.length}`} type="button" tabIndex={-1} {...of} onClick={() => open(items)}
              onPointerEnter={() => setPointed(i)} onPointerLeave={() => setPointed(null)} className={`pointer-events-auto ${MARK}`}>
              {shape}
            </button>
          );
        })}
        {told && <Told mark={told} />}
      </div>
    </div>
  );
}
