import { integer } from "../../lib/format";
import { Button, IconButton } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import type { Selection } from "../../lib/use-selection";
import { alertCount, doneWords } from "./acts";
import type { Acts, Asked } from "./use-acts";

/** What can be done with the marked rows. */
export function MarkedBar({ selection, shown, acts, onAsk, onUndo }: {
  selection: Selection;
  /** How many can be marked. */
  shown: number;
  acts: Acts;
  onAsk: (act: Asked["act"]) => void;
  /** Null where there is nothing to undo. */
  onUndo: (() => void) | null;
}) {
  const { ids } = selection;
  return (
    <div role="toolbar" aria-label="Marked alerts" data-bulk
      className="flex flex-wrap items-center gap-2 border-t border-line bg-selected px-4 py-1.5 phone:px-3">
      <strong className="mr-1 font-medium" role="status">{alertCount(ids.length)} marked</strong>
      <Button disabled={acts.busy} title="Acknowledge (a)" onClick={() => onAsk("ack")}>Acknowledge…</Button>
      <Button disabled={acts.busy} title="Silence (s)" onClick={() => onAsk("silence")}>Silence…</Button>
      <Button disabled={acts.busy || !onUndo} title="Undo silence, or else acknowledgement (u)" onClick={() => onUndo?.()}>Undo</Button>
      {ids.length < shown && <Button look="quiet" onClick={selection.all}>Mark all {integer(shown)}</Button>}
      <Button look="quiet" onClick={selection.clear}>Clear</Button>
    </div>
  );
}

/** What came of the last act, with the way back. */
export function ActsNews({ acts }: { acts: Acts }) {
  const { done, error, asked, takeBack, forget } = acts;
  if (error && !asked) return <ErrorNote error={error} className="mx-4 my-2 phone:mx-3" />;
  return (
    <div role="status" className="contents">
      {done?.error && <ErrorNote error={done.error} className="mx-4 my-2 phone:mx-3" />}
      {done && (
        <div data-acts-news className="flex items-center gap-3 border-t border-line bg-raised px-4 py-1.5 phone:px-3">
          <span className="min-w-0">{doneWords(done)}</span>
          {takeBack && <Button className="h-7" disabled={acts.busy} onClick={takeBack}>Undo</Button>}
          <span className="flex-1" />
          <IconButton label="Hide this" onClick={forget}><Icon name="close" size={14} /></IconButton>
        </div>
      )}
    </div>
  );
}
