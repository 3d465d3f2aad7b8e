import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type RefObject, useMemo, useRef, useState } from "react";
import { counted } from "../../lib/format";
import type { Span } from "../../lib/range";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { ErrorNote } from "../../ui/error-note";
import { Popover } from "../../ui/popover";
import { useZoneWords } from "../charts/chart-scope";
import { hrefOf, type Item, signOf, signOfAll, textOf } from "./kinds";
import { layout, type Mark, moved } from "./layout";
import { SignShape } from "./sign-shape";
import { TimelineTable } from "./timeline-table";
import { Told, TOLD_MAX } from "./told";
import type { Happened } from "./use-timeline";
import { useWidth } from "./use-width";

interface Props {
  device: string;
  span: Span | null;
  happened: Happened;
  asTable: boolean;
  /** A mark is pointed at by the keyboard, at this time in seconds; null: no more. */
  onPoint?: ((seconds: number | null) => void) | undefined;
}

/** Marks that a pointer can tell apart, and those that a finger can. */
const NEAR_PX = 20;
const FINGER_PX = 44;

/** One line below the charts, in sight while they are: alerts, states, configurations, reboots. */
export function Timeline({ device, span, happened, asTable, onPoint }: Props) {
  const { items: known, isKnown, isMore, isLateKnown, error, retry } = happened;
  if (error && !isKnown) return <ErrorNote error={error} className="mt-4" onRetry={retry} />;
  const notes = [
    isMore && "The newest events alone: there are more in this time. Choose a shorter one.",
    isKnown && !isLateKnown && "Readings that came late were not looked at: choose a shorter time.",
  ].filter(Boolean);
  // What is to be known of it stands above the line and not in it: the line lies over the charts.
  const more = notes.length > 0 && <p className="mt-4 px-1 text-xs text-muted" data-timeline-notes>{notes.join(" ")}</p>;
  if (asTable) {
    return (
      <>
        {more}
        <section aria-label="What happened" data-timeline={known.length} className="mt-4 border-t border-line pt-2">
          <h3 className="px-1 text-xs text-muted"><span className="font-medium text-text">What happened</span> {isKnown && countWords(known.length)}</h3>
          <TimelineTable items={known} device={device} />
        </section>
      </>
    );
  }
  return (
    <>
      {more}
      <section aria-label="What happened" data-timeline={known.length}
        className="sticky bottom-0 mt-4 flex items-center border-t border-line bg-bg pr-[18px] phone:pr-3 print:static">
        {/* As wide as the axis of the charts above it: the marks stand below their times. */}
        <h3 className="w-[68px] shrink-0 pl-1 text-xs text-muted">
          <span className="sr-only">What happened: </span>
          {isKnown && (known.length > 0 ? <Listed items={known} device={device} /> : countWords(0))}
        </h3>
        <div className="min-w-0 flex-1">{span && <Line items={known} span={span} device={device} onPoint={onPoint} isLow />}</div>
      </section>
    </>
  );
}

function countWords(count: number): string {
  return count === 0 ? "no events" : counted(count, "event");
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
        title="What happened: list it" className="min-h-6 whitespace-nowrap text-accent underline underline-offset-4 phone:min-h-11 phone:min-w-11">
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

/** `isLow`: as little of the page as its marks need. */
export function Line({ items, span: { from, to }, device, onPoint, isLow = false }: Pick<Props, "device" | "onPoint"> & {
  items: readonly Item[]; span: Span; isLow?: boolean;
}) {
  const [line, width] = useWidth();
  const near = usePhone() ? FINGER_PX : NEAR_PX;
  const marks = useMemo(() => layout(items, from, to, near / width), [items, from, to, near, width]);
  return (
    <div ref={line as RefObject<HTMLDivElement | null>} className={`relative phone:h-11 ${isLow ? "h-7" : "h-9"}`}>
      <span aria-hidden="true" className="absolute inset-x-0 top-1/2 h-px bg-edge" />
      <Marks marks={marks} device={device} onPoint={onPoint} />
    </div>
  );
}

/** One stop of the tab key; arrows lead from mark to mark, as «,» and «.» do from anywhere. */
function Marks({ marks, device, onPoint }: Pick<Props, "device" | "onPoint"> & { marks: readonly Mark<Item>[] }) {
  const list = useRef<HTMLUListElement>(null);
  const [at, setAt] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);
  const [opened, setOpened] = useState<number | null>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const navigate = useNavigate();
  const { dateTime } = useZoneWords();
  const stop = Math.min(at, marks.length - 1);
  const focus = (index: number) => list.current?.querySelectorAll("button")[index]?.focus();
  // The first step leads to the newest or to the oldest one; from there on to the next.
  const step = (by: 1 | -1) => {
    const isThere = list.current?.contains(document.activeElement) === true;
    focus(isThere ? Math.min(Math.max(stop + by, 0), marks.length - 1) : by < 0 ? marks.length - 1 : 0);
  };
  useCommands({ "event.previous": marks.length > 0 && (() => step(-1)), "event.next": marks.length > 0 && (() => step(1)) });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = moved(event.key, stop, marks.length);
    if (to === null) return;
    event.preventDefault();
    focus(to);
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
            <button type="button" tabIndex={i === stop ? 0 : -1} aria-label={spoken(items, dateTime)} data-mark={items.length === 1 ? items[0]?.kind : "many"}
              onFocus={() => {
                setAt(i);
                setPointed(i);
                onPoint?.(Date.parse(items[0]?.at ?? "") / 1000);
              }}
              onBlur={() => {
                setPointed(null);
                onPoint?.(null);
              }} onPointerEnter={() => setPointed(i)} onPointerLeave={() => setPointed(null)}
              onClick={(event) => open(i, event.currentTarget)}
              className="absolute inline-flex size-6 phone:size-11 -translate-x-1/2 -translate-y-1/2 items-center justify-center rounded-full hover:bg-hover">
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

function spoken(items: readonly Item[], dateTime: (ms: number) => string): string {
  const [first, second] = items;
  if (!first) return "";
  const when = dateTime(Date.parse(first.at));
  if (!second) return `${signOf(first).word}: ${textOf(first)}, ${when}`;
  return `${counted(items.length, "event")} until ${when}: ${items.slice(0, TOLD_MAX).map((item) => signOf(item).word).join(", ")}`;
}
