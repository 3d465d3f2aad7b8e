import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { integer } from "../../lib/format";
import { around } from "../../lib/range";
import type { Device } from "../../lib/types";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { useChartScope, useZoneWords } from "../charts/chart-scope";
import { hrefOf, type Item, signOf, textOf } from "../timeline/kinds";
import { SignShape, TONE } from "../timeline/sign-shape";
import { Line } from "../timeline/timeline";
import { daysOf } from "../timeline/timeline-table";
import type { Happened } from "../timeline/use-timeline";
import { GROUPS, groupOf, kept, parseKinds, toggled } from "./event-kinds";

/** Before and after an event that somebody looks around. */
const AROUND_MS = 30 * 60_000;

/** All that happened in the range, by day. */
export function EventsTab({ device, happened }: { device: Device; happened: Happened }) {
  const { range } = useChartScope();
  const { day } = useZoneWords();
  const text = useSearch({ from: "/_app/devices/$id", select: (search) => search.kinds });
  const navigate = useNavigate({ from: "/devices/$id" });
  const shown = useMemo(() => parseKinds(text), [text]);
  const items = useMemo(() => kept(happened.items, shown), [happened.items, shown]);
  const days = useMemo(() => daysOf(items, day), [items, day]);
  const isAll = shown.size === GROUPS.length;
  const setKinds = (kinds: string | undefined) => void navigate({ search: (old) => ({ ...old, kinds }), replace: true, resetScroll: false });
  const lookAround = (at: string) => {
    const { from, to } = around(Date.parse(at), AROUND_MS, serverNow());
    void navigate({ search: (old) => ({ ...old, tab: undefined, from: Number(from), to: Number(to) }) });
  };
  if (happened.error && !happened.isKnown) return <ErrorNote error={happened.error} onRetry={happened.retry} />;
  if (!happened.isKnown) return <div role="status" aria-label="Loading the events" className="min-h-48" />;
  return (
    <div className="flex flex-col gap-3" data-events={items.length}>
      <div role="group" aria-label="Kinds of events" className="flex flex-wrap gap-1.5 print:hidden">
        <Pill id="all" on={isAll} count={happened.items.length} onClick={() => setKinds(undefined)}>All</Pill>
        {GROUPS.map(({ id, word }) => (
          <Pill key={id} id={id} on={!isAll && shown.has(id)} count={happened.items.filter((item) => groupOf(item) === id).length}
            onClick={() => setKinds(toggled(shown, id))}>{word}</Pill>
        ))}
      </div>
      {range.span && items.length > 0 && <div className="px-3"><Line items={items} span={range.span} device={device.id} /></div>}
      {happened.isMore && <p className="text-muted">The newest events alone: there are more in this range. Choose a shorter one.</p>}
      {!happened.isLateKnown && <p className="text-xs text-muted">Readings that came late were not looked at in so long a range.</p>}
      {items.length === 0 && (
        <Empty title={happened.items.length > 0 ? "Nothing of these kinds" : "Nothing happened in this range"}>
          <p>{happened.items.length > 0
            ? "There are events of other kinds in this range."
            : "Changes of state, alerts, changed configurations, other host keys and restarts stand here with their times. Choose a longer range: states are kept for a year."}</p>
          {happened.items.length === 0 && <Button className="self-start" onClick={() => range.set({ from: "now-7d", to: "now" })}>Last 7 days</Button>}
        </Empty>
      )}
      {days.map((one) => (
        <section key={one.day} aria-label={one.day}>
          <h2 className="border-b border-line pb-1 font-semibold" data-day>{one.day}</h2>
          <ul>{one.items.map((item) => <Row key={`${item.at} ${item.kind} ${item.text}`} item={item} device={device.id} onAround={() => lookAround(item.at)} />)}</ul>
        </section>
      ))}
    </div>
  );
}

/** As the parts of a list of alerts are chosen: what is shown is marked, and «All» is one of them. */
function Pill({ id, on, count, onClick, children }: { id: string; on: boolean; count: number; onClick: () => void; children: string }) {
  return (
    <button type="button" aria-pressed={on} data-kind={id} onClick={onClick}
      className="inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md border border-transparent px-2.5 text-muted hover:bg-hover hover:text-text
        aria-pressed:border-accent aria-pressed:bg-selected aria-pressed:text-text phone:h-11 phone:border-edge phone:px-3">
      {children}
      <span className={count > 0 ? "font-medium text-text" : ""}>{integer(count)}</span>
    </button>
  );
}

function Row({ item, device, onAround }: { item: Item; device: string; onAround: () => void }) {
  const { clock, dateTime } = useZoneWords();
  const sign = signOf(item);
  const href = hrefOf(item, device);
  const at = Date.parse(item.at);
  return (
    <li className="grid min-h-9 grid-cols-[72px_104px_minmax(0,1fr)_auto] items-center gap-x-3 border-b border-line py-1 phone:grid-cols-[auto_1fr_auto] phone:py-2" data-event={item.kind}>
      <time dateTime={item.at} title={dateTime(at)} className="text-muted">{clock(at, true)}</time>
      <span className={`inline-flex items-center gap-1.5 ${TONE[sign.tone]}`}><SignShape sign={sign} size={12} />{sign.word}</span>
      <span className="min-w-0 wrap-anywhere phone:order-last phone:col-span-full">
        {href ? <Link to={href} className="touch underline decoration-edge underline-offset-4 hover:decoration-current">{textOf(item)}</Link> : textOf(item)}
      </span>
      <Button look="quiet" className="h-7 px-2 text-xs print:hidden" title="The charts, half an hour before to half an hour after" onClick={onAround} data-around>± 30 min</Button>
    </li>
  );
}
