import { Link } from "@tanstack/react-router";
import { dateTime } from "../../lib/format";
import { hrefOf, type Item, signOf } from "./kinds";
import { SignShape, TONE } from "./sign-shape";

/** The same as the line, for who reads rather than points. */
export function TimelineTable({ items, device, isCompact = false }: { items: readonly Item[]; device: string; isCompact?: boolean }) {
  if (items.length === 0) return null;
  return (
    <table className="w-full border-collapse text-xs" aria-label="What happened">
      <thead className={isCompact ? "sr-only" : "text-left text-muted"}>
        <tr><th scope="col" className="px-1 font-normal">Time</th><th scope="col" className="px-1 font-normal">What</th><th scope="col" className="px-1 font-normal">More</th></tr>
      </thead>
      <tbody>
        {items.map((item) => {
          const sign = signOf(item);
          const href = hrefOf(item, device);
          return (
            <tr key={`${item.at} ${item.kind} ${item.text}`} className="border-t border-line align-top" data-event={item.kind}>
              <td className="px-1 py-1.5 whitespace-nowrap text-muted">{dateTime(item.at)}</td>
              <td className={`px-1 py-1.5 ${TONE[sign.tone]}`}><span className="inline-flex items-center gap-1.5"><SignShape sign={sign} size={11} /> {sign.word}</span></td>
              <td className="px-1 py-1.5 wrap-anywhere">{href ? <Link to={href} className="text-accent hover:underline">{item.text}</Link> : item.text}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
