import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { serverNow } from "../../lib/clock";
import { LOCALE } from "../../lib/format";
import { wordsIn, type Zone } from "../../lib/zone";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { dayAt, dayNumber, dayOf, firstWeekday, monthGrid, movedDay, otherMonth } from "./calendar";

interface Props {
  zone: Zone;
  /** The days of the present range. */
  first: number;
  last: number;
  onPick: (a: number, b: number) => void;
}

const DAY_MS = 86_400_000;
const FIRST = firstWeekday();
const name = (options: Intl.DateTimeFormatOptions) => {
  const format = new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: "UTC" });
  // A day number is midnight in UTC, whatever the zone of the page.
  return (number: number) => format.format(number * DAY_MS);
};
const short = name({ weekday: "narrow" });
const long = name({ weekday: "long" });
const whole = name({ weekday: "long", year: "numeric", month: "long", day: "numeric" });

/** A month to choose a range of days in: its first, then its last. Keys as in the date grid of WAI-ARIA. */
export function CalendarGrid({ zone, first, last, onPick }: Props) {
  const [at, setAt] = useState(last);
  const [start, setStart] = useState<number | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const grid = useRef<HTMLTableElement>(null);
  const isKeyed = useRef(false);
  const today = dayNumber(dayAt(serverNow(), zone));
  const month = dayOf(at);
  const weeks = monthGrid(month, FIRST);
  // There is nothing yet of what comes.
  const isThisMonth = month.year === dayOf(today).year && month.month === dayOf(today).month;
  useEffect(() => {
    // The focus follows the keys only: who turns pages by a button stays there.
    if (isKeyed.current) grid.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus();
    isKeyed.current = false;
    // Runs for each day that is come to.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [at]);
  const pick = (number: number) => {
    if (number > today) return;
    setAt(number);
    if (start === null) setStart(number);
    else onPick(start, number);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = movedDay(at, event, FIRST);
    if (to === null) return;
    event.preventDefault();
    isKeyed.current = true;
    setAt(Math.min(to, today));
  };
  const end = start === null ? last : (pointed ?? at);
  const [from, to] = start === null ? [first, last] : [Math.min(start, end), Math.max(start, end)];
  const turn = (by: number) => setAt(Math.min(otherMonth(at, by), today));
  return (
    <div data-calendar>
      <div className="flex items-center justify-between">
        <IconButton label="Month before" onClick={() => turn(-1)}><Icon name="back" size={14} /></IconButton>
        <span aria-live="polite" className="font-medium">{wordsIn("utc").month(at * DAY_MS)}</span>
        <IconButton label="Next month" className="rotate-180" disabled={isThisMonth}
          onClick={() => turn(1)}><Icon name="back" size={14} /></IconButton>
      </div>
      {/* The keys are those of the days in it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/no-noninteractive-element-to-interactive-role */}
      <table ref={grid} role="grid" aria-label="Days" className="w-full border-collapse text-center" onKeyDown={onKeyDown}>
        <thead>
          <tr className="text-xs text-muted">
            {weeks[0]?.map((number) => <th key={number} scope="col" className="h-6 font-normal" abbr={long(number)}>{short(number)}</th>)}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((number) => {
                const isIn = number >= from && number <= to;
                const { day, month: of } = dayOf(number);
                return (
                  <td key={number} aria-selected={isIn} className={`p-0 ${isIn ? "bg-selected" : ""}`}>
                    <button type="button" data-day={number} tabIndex={number === at ? 0 : -1} aria-label={whole(number)} disabled={number > today}
                      aria-current={number === today ? "date" : undefined} onClick={() => pick(number)} onPointerEnter={() => setPointed(number)}
                      onFocus={() => setPointed(null)}
                      className={`h-8 w-full rounded-md hover:bg-hover disabled:text-faint disabled:opacity-50 phone:h-11 ${of === month.month ? "" : "text-faint"} ${
                        number === start ? "bg-solid! text-on-solid!" : ""} ${number === today ? "font-semibold underline underline-offset-4" : ""}`}>
                      {day}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p aria-live="polite" className="pt-1 text-xs text-muted">{start === null ? "Choose the first day." : "Choose the last day; the same day again is that day alone."}</p>
    </div>
  );
}
