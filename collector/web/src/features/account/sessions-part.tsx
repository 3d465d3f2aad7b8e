import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import type { Session } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Tag } from "../../ui/tag";
import { browserName } from "./browser-name";
import { endOtherSessions } from "./end-sessions";
import { Panel } from "./panel";
import { SESSIONS } from "./use-account";

/** Where you are signed in. */
export function SessionsPart() {
  const queries = useQueryClient();
  const list = usePages(SESSIONS, (cursor) =>
    take(api.GET("/api/v1/sessions", { params: { query: { ...cursor, limit: ROWS } } })));
  const end = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: SESSIONS }),
  });
  const endOthers = useMutation({
    mutationFn: endOtherSessions,
    onSettled: () => queries.invalidateQueries({ queryKey: SESSIONS }),
  });
  const error = end.error ?? endOthers.error;
  return (
    <Panel title="Where you are signed in">
      {list.error && <ErrorNote error={list.error} onRetry={list.retry} />}
      {list.phase === "loading" && <p role="status" className="text-muted">Loading…</p>}
      <ul aria-label="Sessions" className="flex flex-col">
        {list.rows.map((session) => (
          <Row key={session.id} session={session} isEnding={end.isPending && end.variables === session.id} onEnd={end.mutate} />
        ))}
      </ul>
      <div className="mt-2 flex flex-wrap gap-2">
        {list.more && <Button onClick={list.more}>Show more</Button>}
        {list.rows.some(({ current }) => !current) && (
          <Button disabled={endOthers.isPending} onClick={() => endOthers.mutate()}>
            {endOthers.isPending ? "Ending…" : "End all other sessions"}
          </Button>
        )}
      </div>
      {error && <ErrorNote error={error} className="mt-2" />}
      <p className="mt-2 text-xs text-muted">Is one of them not you? End it, then change your password.</p>
    </Panel>
  );
}

function Row({ session, isEnding, onEnd }: { session: Session; isEnding: boolean; onEnd: (id: string) => void }) {
  const { id, current, address, user_agent: agent, created_at: since, last_used_at: used } = session;
  const name = browserName(agent);
  return (
    <li data-session={current ? "current" : id} className="flex min-h-12 items-center justify-between gap-3 border-b border-line py-2">
      <span className="min-w-0">
        <span className="flex flex-wrap items-center gap-2">
          <span title={agent}>{name}</span>
          {current && <Tag tone="accent">this one</Tag>}
        </span>
        <span className="block text-xs text-muted wrap-anywhere">
          {address ?? "address unknown"} · signed in <Age at={since} long />{!current && <> · used <Age at={used} long /></>}
        </span>
      </span>
      {!current && (
        <Button disabled={isEnding} aria-label={`End ${name}, ${address ?? "address unknown"}`} onClick={() => onEnd(id)}>
          {isEnding ? "Ending…" : "End"}
        </Button>
      )}
    </li>
  );
}
