import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Device } from "../../lib/types";
import { Age } from "../../ui/age";
import { hrefOf, signOf, textOf } from "../timeline/kinds";
import { SignShape } from "../timeline/sign-shape";
import type { Happened } from "../timeline/use-timeline";

const SHOWN = 5;

/** What happened last, whatever the range of the charts is. */
export function LatestEvents({ device: { id }, week, children }: { device: Pick<Device, "id">; week: Happened; children?: ReactNode }) {
  if (!week.isKnown) return null;
  const items = week.items.slice(0, SHOWN);
  return (
    <section aria-labelledby="latest-events" className="rounded-lg border border-line bg-surface px-3 py-2" data-latest-events={items.length}>
      <div className="flex items-baseline gap-2">
        <h2 id="latest-events" className="font-semibold">What happened last</h2>
        <span className="flex-1" />
        <Link to="/devices/$id" params={{ id }} search={(old) => ({ ...old, tab: "events", from: "now-7d", to: "now" })} className="touch text-xs text-muted hover:text-text hover:underline">all of 7 days</Link>
      </div>
      {items.length === 0 && <p className="py-1 text-muted">Nothing in the last 7 days.</p>}
      <ul>
        {items.map((item) => {
          const href = hrefOf(item, id);
          const text = textOf(item);
          return (
            <li key={`${item.at} ${item.kind} ${item.text}`} className="flex min-h-7 items-center gap-2 border-t border-line first:border-t-0 phone:min-h-11">
              <SignShape sign={signOf(item)} size={11} />
              <span className="sr-only">{signOf(item).word}: </span>
              {href ? <Link to={href} className="clip min-w-0 flex-1 hover:underline" title={text}>{text}</Link> : <span className="clip min-w-0 flex-1" title={text}>{text}</span>}
              <span className="shrink-0 text-xs text-muted"><Age at={item.at} long /></span>
            </li>
          );
        })}
      </ul>
      {children}
    </section>
  );
}
