import type { ReactNode } from "react";
import { type Tone } from "../alerts/tone";
import { SIGN_GROUND } from "./incident-tone";

interface Props {
  tone: Tone;
  /** In `SIGN_TEXT`. */
  shape: ReactNode;
  title: string;
  /** Word of the state first: nothing is told by colour alone. */
  notes: readonly (string | null)[];
  /** At the end of the line: an age. */
  end?: string;
}

/** One thing that is not well: what, how bad and where, since when. As high as its list makes it. */
export function WallLine({ tone, shape, title, notes, end }: Props) {
  return (
    <li data-wall-line data-tone={tone} className="flex min-h-0 grow basis-[3.2em] overflow-hidden rounded-[.3em] bg-surface in-data-tall:max-h-[7em] in-data-tall:basis-[4.6em]">
      <span className={`grid w-[2.7em] shrink-0 place-items-center [&>svg]:size-[1.5em] ${SIGN_GROUND[tone]}`}>{shape}</span>
      <span className="min-w-0 flex-1 self-center px-[.6em] leading-[1.3]">
        <span className={`clip block text-[1.1em] in-data-tall:line-clamp-2 in-data-tall:text-balance in-data-tall:whitespace-normal ${tone === "muted" ? "text-muted" : "font-semibold"}`}>{title}</span>
        <span className="clip block text-muted in-data-large:text-[.8em]">{notes.filter(Boolean).join(" · ")}</span>
      </span>
      {end && <span className={`shrink-0 self-center pr-[.7em] text-[1.1em] ${tone === "alarm" ? "font-semibold" : "text-muted"}`}>{end}</span>}
    </li>
  );
}

/** In the place of the lines that do not fit. */
export function MoreLines({ count }: { count: number }) {
  return <li data-wall-more={count} className="flex basis-[3.2em] grow items-center px-[1em] text-[1.1em] text-muted">and {count} more</li>;
}
