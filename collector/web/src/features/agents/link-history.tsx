import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime, integer, momentTime } from "../../lib/format";
import type { Agent } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Part } from "../../ui/part";
import { useLinks } from "./agent-losses";
import { linesOf } from "./link-words";

const SHOWN = 6;

/** When it came, by what, and why it went: the newest first. */
export function LinkHistory({ agent: { id } }: { agent: Agent }) {
  const { rows, phase, error, retry, total, more, isLoadingMore } = useLinks(id);
  const [isWhole, setWhole] = useState(false);
  if (phase === "loading") return null;
  const shown = isWhole ? rows : rows.slice(0, SHOWN);
  const hasMore = shown.length < rows.length || more !== null;
  return (
    <Part title="Its sessions">
      {error && <ErrorNote error={error} onRetry={retry} />}
      {phase === "ready" && rows.length === 0 && <p className="text-muted">None yet. Each connection stands here with what carried it, and why it ended.</p>}
      <ol aria-label="Its sessions" data-links={rows.length}>
        {linesOf(shown, serverNow()).map(({ link, words, isRough }) => (
          <li key={`${link.at} ${link.event}`} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 border-t border-line py-1 first:border-t-0" data-link={link.event}>
            <time dateTime={link.at} title={`${dateTime(link.at)} · ${link.remote_addr}`} className="text-muted">{momentTime(link.at, serverNow())}</time>
            <span className={`wrap-anywhere ${isRough ? "text-degraded" : ""}`}>{words}</span>
          </li>
        ))}
      </ol>
      {hasMore && (
        <span className="flex items-center gap-3">
          <Button disabled={isLoadingMore} onClick={() => (isWhole ? more?.() : setWhole(true))}>Show more</Button>
          <span className="text-xs text-muted">{integer(shown.length)}{total !== null && ` of ${integer(total)}`}</span>
        </span>
      )}
    </Part>
  );
}
