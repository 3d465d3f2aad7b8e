import type { ReactNode } from "react";
import { type Tone, TONE_TEXT } from "./tone";

/** How high a line is, with the space below it, in em. */
export const LINE_EM = 3.5;

interface Props {
  tone: Tone;
  shape: ReactNode;
  title: string;
  /** Word of the state first: nothing is told by colour alone. */
  notes: readonly (string | null)[];
  /** At the end of the line: an age. */
  end?: string;
}

/** One thing that is not well: what, how bad and where, since when. */
export function WallLine({ tone, shape, title, notes, end }: Props) {
  const isLoud = tone === "alarm";
  return (
    <li data-wall-line data-tone={tone}
      className={`mb-[.3em] flex h-[3.2em] items-center gap-[.7em] rounded-[.3em] border-l-[.25em] px-[.7em] ${
        isLoud ? "border-down bg-down-soft" : tone === "warn" ? "border-degraded bg-surface" : "border-edge bg-surface"}`}>
      <span className={`[&>svg]:size-[1.3em] ${TONE_TEXT[tone]}`}>{shape}</span>
      <span className="min-w-0 flex-1 leading-[1.3]">
        <span className={`clip block text-[1.1em] ${tone === "muted" ? "text-muted" : "font-semibold"}`}>{title}</span>
        <span className="clip block text-muted">{notes.filter(Boolean).join(" · ")}</span>
      </span>
      {end && <span className={`shrink-0 text-[1.1em] ${isLoud ? "font-semibold" : "text-muted"}`}>{end}</span>}
    </li>
  );
}

/** In the place of the lines that do not fit. */
export function MoreLines({ count }: { count: number }) {
  return <li data-wall-more={count} className="flex h-[3.2em] items-center px-[1em] text-[1.1em] text-muted">and {count} more</li>;
}
