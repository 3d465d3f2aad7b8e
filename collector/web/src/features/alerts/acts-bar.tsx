import { integer } from "../../lib/format";
import { Button } from "../../ui/button";
import type { Selection } from "../../lib/use-selection";
import { alertCount } from "./acts";
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
