import { Link } from "@tanstack/react-router";
import { highlight } from "./highlight";
import type { Found } from "./types";

/** Each line that was found, between those around it; a click leads to it. */
export function MatchLines({ row }: { row: Found }) {
  return (
    <ol className="py-1 font-mono text-xs">
      {row.matches.map(({ line, text, ranges, before, after }, i) => (
        <li key={line} className={i > 0 ? "mt-1 border-t border-dashed border-line pt-1" : ""}>
          {numbered(before, line - before.length).map((one) => <Around key={one.line} {...one} />)}
          <Link to="/config/$id" params={{ id: row.version }} search={{ view: "text", line }} data-line={line}
            className="flex items-start gap-3 bg-selected px-3 py-0.5 hover:underline phone:min-h-11 phone:items-center">
            <LineNumber line={line} />
            <span className="min-w-0 wrap-anywhere whitespace-pre-wrap">
              {highlight(text, ranges).map(({ at, text: part, isFound }) =>
                isFound ? <mark key={at} className="rounded-xs bg-accent-soft text-text outline outline-accent">{part}</mark> : <span key={at}>{part}</span>)}
            </span>
          </Link>
          {numbered(after, line + 1).map((one) => <Around key={one.line} {...one} />)}
        </li>
      ))}
    </ol>
  );
}

function numbered(lines: readonly string[], first: number) {
  return lines.map((text, i) => ({ line: first + i, text }));
}

function Around({ line, text }: { line: number; text: string }) {
  return (
    <div className="flex gap-3 px-3 text-muted">
      <LineNumber line={line} />
      <span className="min-w-0 wrap-anywhere whitespace-pre-wrap">{text}</span>
    </div>
  );
}

function LineNumber({ line }: { line: number }) {
  return <span className="w-10 shrink-0 text-right text-faint select-none">{line}</span>;
}
