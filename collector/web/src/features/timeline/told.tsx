import { useZoneWords } from "../charts/chart-scope";
import { type Item, signOf, textOf } from "./kinds";
import type { Mark } from "./layout";
import { SignShape, TONE } from "./sign-shape";

export const TOLD_MAX = 4;

/** What the mark under the pointer is, above the line. Buttons say the same to screen readers. */
export function Told({ mark: { share, items } }: { mark: Mark<Item> }) {
  const { dayMonth, clock } = useZoneWords();
  const side = share > 2 / 3 ? { right: `${100 * (1 - share)}%` } : { left: `${100 * share}%`, translate: share < 1 / 3 ? "0" : "-50%" };
  return (
    <div aria-hidden="true" data-told style={side} className="pointer-events-none absolute bottom-full z-20 mb-1.5 w-max max-w-[min(340px,80vw)] rounded-md border border-edge bg-raised px-2.5 py-1.5 text-xs shadow-(--shadow)">
      {items.slice(0, TOLD_MAX).map((item) => (
        <p key={`${item.at} ${item.kind} ${item.text}`} className="flex gap-2 py-0.5">
          <span className="mt-0.5"><SignShape sign={signOf(item)} size={11} /></span>
          <span className="min-w-0">
            <span className={`font-medium ${TONE[signOf(item).tone]}`}>{signOf(item).word}</span> {textOf(item)}{" "}
            <span className="whitespace-nowrap text-muted">{dayMonth(Date.parse(item.at))} {clock(Date.parse(item.at), true)}</span>
          </span>
        </p>
      ))}
      {items.length > TOLD_MAX && <p className="text-muted">and {items.length - TOLD_MAX} more</p>}
    </div>
  );
}
