import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { serverNow } from "../../lib/clock";
import { counted, dateTime, momentTime } from "../../lib/format";
import type { Range, Span } from "../../lib/range";
import { ErrorNote } from "../../ui/error-note";
import { Popover } from "../../ui/popover";
import { hrefOf, type Item, signOf, signOfAll, textOf } from "./kinds";
import { inside, layout, type Mark, moved } from "./layout";
import { SignShape, TONE } from "./sign-shape";
import { TimelineTable } from "./timeline-table";
import { MOST, useTimeline } from "./use-timeline";

interface Props {
  device: string;
  range: Range;
  span: Span | null;
  asTable: boolean;
}

/** Marks that a pointer and a finger can tell apart. */
const NEAR_PX = 20;
/** Until the line is measured. */
const USUAL_PX = 560;

/** One line below the charts, in sight while they are: alerts, states, configurations, reboots. */
export function Timeline({ device, range, span, asTable }: Props) {
  const { data, error, refetch } = useTimeline(device, range);
  const known = useMemo(() => (span && data ? inside(data.items, span) : []), [data, span]);
  if (error && !data) return <ErrorNote error={error} className="mt-4" onRetry={() => void refetch()} />;
  const count = known.length;
  return (
    <section aria-label="What happened" data-timeline={count}
      className={`mt-4 border-t border-line bg-bg pt-2 pb-1 phone:pt-0 ${asTable ? "" : "sticky bottom-0"}`}>
      <h3 className="flex flex-wrap items-baseline gap-x-2 px-1 text-xs text-muted">
        <span className="font-medium text-text">What happened</span>
        {data && (count > 0 && !asTable ? <Listed items={known} device={device} /> : countWords(count))}
        {data && data.items.length >= MOST && "the newest; what was before is not shown: choose a shorter time"}
        {data && !data.late_known && <span data-late-unknown>Readings that came late were not looked at: choose a shorter time.</span>}
      </h3>
      {asTable ? <TimelineTable items={known} device={device} /> : (
        // As wide as the charts above it, between their axes.
        <div className="pr-[18px] pl-[68px] phone:pl-3">
          {span && <Line items={known} span={span} device={device} />}
        </div>
      )}
    </section>
  );
}

function countWords(count: number): string {
  return count === 0 ? "nothing in this time" : counted(count, "event");
}

/** As wide as its lines need; higher it would hide the line that it belongs to. */
const LIST = "max-h-[min(60vh,460px)] w-[520px] overflow-y-auto";

/** How many there are, and all of them as a list for who asks. */
function Listed({ items, device }: { items: readonly Item[]; device: string }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      <button ref={button} type="button" aria-haspopup="dialog" aria-expanded={open} data-timeline-list onClick={() => setOpen(!open)}
        className="min-h-6 text-accent underline underline-offset-4 phone:min-h-11 phone:min-w-11">
        {countWords(items.length)}
      </button>
      {open && (
        <Popover label="All events" anchor={button} align="start" side="top" className={LIST} onClose={() => setOpen(false)}>
          <TimelineTable items={items} device={device} isCompact />
        </Popover>
      )}
    </>
  );
}

function Line({ items, span: { from, to }, device }: { items: readonly Item[]; span: Span; device: string }) {
  const line = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(USUAL_PX);
  useEffect(() => {
    const element = line.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth || USUAL_PX));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const marks = useMemo(() => layout(items, from, to, NEAR_PX / width), [items, from, to, width]);
  return (
    <div ref={line} className="relative h-9">
      <span aria-hidden="true" className="absolute inset-x-0 top-1/2 h-px bg-edge" />
      <Marks marks={marks} device={device} />
    </div>
  );
}

/** One stop of the tab key; arrows lead from mark to mark. */
function Marks({ marks, device }: { marks: readonly Mark<Item>[]; device: string }) {
  const list = useRef<HTMLUListElement>(null);
  const [at, setAt] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);
  const [opened, setOpened] = useState<number | null>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const navigate = useNavigate();
  const stop = Math.min(at, marks.length - 1);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = moved(event.key, stop, marks.length);
    if (to === null) return;
    event.preventDefault();
    list.current?.querySelectorAll("button")[to]?.focus();
  };
  const open = (index: number, button: HTMLElement) => {
    const [item, more] = marks[index]?.items ?? [];
    const href = item && !more ? hrefOf(item, device) : null;
    anchor.current = button;
    if (href) void navigate({ to: href });
    else setOpened(opened === index ? null : index);
  };
  const told = pointed === null ? null : marks[pointed];
  const asked = opened === null ? null : marks[opened];
  return (
    <>
      {/* The arrows are those of the buttons in it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <ul ref={list} onKeyDown={onKeyDown} aria-label="Events, by time">
        {marks.map(({ share, items }, i) => (
          <li key={`${items[0]?.at} ${items.length}`} className="absolute top-1/2" style={{ left: `${100 * share}%` }}>
            <button type="button" tabIndex={i === stop ? 0 : -1} aria-label={spoken(items)} data-mark={items.length === 1 ? items[0]?.kind : "many"}
              onFocus={() => {
                setAt(i);
                setPointed(i);
              }}
              onBlur={() => setPointed(null)} onPointerEnter={() => setPointed(i)} onPointerLeave={() => setPointed(null)}
              onClick={(event) => open(i, event.currentTarget)}
              className="absolute inline-flex size-6 -translate-x-1/2 -translate-y-1/2 items-center justify-center rounded-full hover:bg-hover">
              <span className="inline-flex rounded-full bg-bg"><SignShape sign={signOfAll(items)} count={items.length} /></span>
            </button>
          </li>
        ))}
      </ul>
      {told && opened === null && <Told mark={told} />}
      {asked && (
        <Popover label="Events" anchor={anchor} align="start" side="top" className={LIST} onClose={() => setOpened(null)}>
          <TimelineTable items={asked.items} device={device} isCompact />
        </Popover>
      )}
    </>
  );
}

const TOLD_MAX = 4;

function spoken(items: readonly Item[]): string {
  const [first, second] = items;
  if (!first) return "";
  if (!second) return `${signOf(first).word}: ${textOf(first)}, ${dateTime(first.at)}`;
  return `${counted(items.length, "event")} until ${dateTime(first.at)}: ${items.slice(0, TOLD_MAX).map((item) => signOf(item).word).join(", ")}`;
}

/** What the mark under the pointer is, above the line. The button says the same to screen readers. */
function Told({ mark: { share, items } }: { mark: Mark<Item> }) {
  const side = share > 2 / 3 ? { right: `${100 * (1 - share)}%` } : { left: `${100 * share}%`, translate: share < 1 / 3 ? "0" : "-50%" };
  return (
    <div aria-hidden="true" data-told style={side} className="pointer-events-none absolute bottom-full z-20 mb-0.5 w-max max-w-[min(340px,80vw)] rounded-md border border-edge bg-raised px-2.5 py-1.5 text-xs shadow-(--shadow)">
      {items.slice(0, TOLD_MAX).map((item) => (
        <p key={`${item.at} ${item.kind} ${item.text}`} className="flex gap-2 py-0.5">
          <span className="mt-0.5"><SignShape sign={signOf(item)} size={11} /></span>
          <span className="min-w-0"><span className={`font-medium ${TONE[signOf(item).tone]}`}>{signOf(item).word}</span> {textOf(item)} <span className="whitespace-nowrap text-muted">{momentTime(item.at, serverNow())}</span></span>
        </p>
      ))}
      {items.length > TOLD_MAX && <p className="text-muted">and {items.length - TOLD_MAX} more</p>}
    </div>
  );
}
