import { clockTime, integer } from "../../lib/format";
import type { RulePreview } from "../../lib/types";
import { pastLines, pastWords } from "./past-lines";

/** More lines than this help nobody: the busiest come first. */
const SHOWN = 10;

/** What would have fired in the last day: one line for each thing, a bar for each alert. */
export function PastPart({ past }: { past: RulePreview["past"] }) {
  const lines = pastLines(past);
  const [from, to] = [Date.parse(past.from), Date.parse(past.to)];
  if (!past.is_known) {
    return (
      <section aria-label="The last 24 hours" className="flex flex-col gap-2">
        <h2 className="font-semibold">The last 24 hours</h2>
        <p className="text-muted">When this was so is not stored: only the present can be told.</p>
      </section>
    );
  }
  return (
    <section aria-label="The last 24 hours" className="flex flex-col gap-2" data-past={past.total}>
      <h2 className="font-semibold">The last 24 hours</h2>
      <p className={past.total > 0 ? "" : "text-muted"} role="status">{pastWords(past)}</p>
      {lines.length > 0 && (
        <>
          <ul className="flex flex-col gap-1" aria-label="What would have fired">
            {lines.slice(0, SHOWN).map(({ key, name, part, count, bars }) => (
              <li key={key} className="grid grid-cols-[minmax(90px,160px)_minmax(0,1fr)_40px] items-center gap-2 text-xs">
                <span className="clip" title={`${name} ${part}`}>{name}{part && <span className="ml-1 text-muted">{part}</span>}</span>
                <span className="relative h-3 rounded-sm bg-hover" aria-hidden="true">
                  {bars.map((bar) => (
                    <span key={bar.from} className="absolute inset-y-0 min-w-0.5 rounded-sm bg-down" style={{ left: `${bar.from * 100}%`, width: `${bar.length * 100}%` }} />
                  ))}
                </span>
                <span className="num" title="Alerts">{integer(count)}</span>
              </li>
            ))}
          </ul>
          <div className="grid grid-cols-[minmax(90px,160px)_minmax(0,1fr)_40px] gap-2 text-xs text-muted" aria-hidden="true">
            <span />
            <span className="flex justify-between"><span>{clockTime(from, false)}</span><span>{clockTime((from + to) / 2, false)}</span><span>now</span></span>
            <span />
          </div>
          {lines.length > SHOWN && <p className="text-xs text-muted">And {integer(lines.length - SHOWN)} more.</p>}
        </>
      )}
    </section>
  );
}
