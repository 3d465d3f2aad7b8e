import { Link } from "@tanstack/react-router";
import { useZoneWords } from "../charts/chart-scope";
import { hrefOf, type Item, signOf, textOf } from "./kinds";
import { SignShape, TONE } from "./sign-shape";

interface Day {
  day: string;
  items: Item[];
}

/** As they came, the newest first: each day is told once. */
export function daysOf(items: readonly Item[], dayWord: (ms: number) => string): Day[] {
  const days: Day[] = [];
  for (const item of items) {
    const day = dayWord(Date.parse(item.at));
    const last = days.at(-1);
    if (last?.day === day) last.items.push(item);
    else days.push({ day, items: [item] });
  }
  return days;
}

/** The same as the line, for who reads rather than points. */
export function TimelineTable({ items, device, isCompact = false }: { items: readonly Item[]; device: string; isCompact?: boolean }) {
  const { day: dayWord } = useZoneWords();
  if (items.length === 0) return null;
  return (
    <table className="w-full table-fixed border-collapse text-xs" aria-label="What happened">
      {/* Of a width of their own: a long key breaks in its column, and no word that fits does. */}
      <colgroup><col className="w-17" /><col className="w-23" /><col /></colgroup>
      <thead className={isCompact ? "sr-only" : "text-left text-muted"}>
        <tr><th scope="col" className="px-1 font-normal">Time</th><th scope="col" className="px-1 font-normal">What</th><th scope="col" className="px-1 font-normal">More</th></tr>
      </thead>
      {daysOf(items, dayWord).map(({ day, items: own }) => (
        <tbody key={day}>
          <tr><th scope="rowgroup" colSpan={3} className="px-1 pt-1.5 pb-1 text-left font-medium text-muted" data-day>{day}</th></tr>
          {own.map((item) => <Row key={`${item.at} ${item.kind} ${item.text}`} item={item} device={device} />)}
        </tbody>
      ))}
    </table>
  );
}

function Row({ item, device }: { item: Item; device: string }) {
  const sign = signOf(item);
  const href = hrefOf(item, device);
  const { clock, dateTime } = useZoneWords();
  const at = Date.parse(item.at);
  return (
    <tr className="border-t border-line align-top" data-event={item.kind}>
      <td className="px-1 py-1.5 whitespace-nowrap text-muted tabular-nums" title={dateTime(at)}>{clock(at, true)}</td>
      <td className={`px-1 py-1.5 whitespace-nowrap ${TONE[sign.tone]}`}><span className="inline-flex items-center gap-1.5"><SignShape sign={sign} size={11} /> {sign.word}</span></td>
      <td className="px-1 py-1.5 wrap-break-word">
        {href ? <Link to={href} className="touch underline decoration-edge underline-offset-4 hover:decoration-current">{textOf(item)}</Link> : textOf(item)}
      </td>
    </tr>
  );
}
