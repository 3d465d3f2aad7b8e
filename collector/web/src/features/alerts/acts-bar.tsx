import { integer } from "../../lib/format";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
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
      className="flex flex-wrap items-center gap-2 border-t border-line bg-selected px-4 py-1.5 phone:gap-1.5 phone:px-2">
      <strong className="mr-1 font-medium phone:order-2 phone:mr-0 phone:flex-1 phone:text-xs" role="status">{alertCount(ids.length)} marked</strong>
      <Button className="phone:order-7 phone:flex-1" disabled={acts.busy} title="Acknowledge (a)" onClick={() => onAsk("ack")}>Acknowledge…</Button>
      <Button className="phone:order-6 phone:flex-1" disabled={acts.busy} title="Silence (s)" onClick={() => onAsk("silence")}>Silence…</Button>
      <Button className="phone:order-5 phone:flex-1" disabled={acts.busy || !onUndo} title="Undo silence, or else acknowledgement (u)" onClick={() => onUndo?.()}>Undo</Button>
      <span className="hidden phone:order-4 phone:block phone:basis-full" />
      {ids.length < shown && <Button look="quiet" className="phone:order-3 phone:px-2" onClick={selection.all}>Mark all {integer(shown)}</Button>}
      <Button look="quiet" className="phone:order-1 phone:w-11 phone:px-0" onClick={selection.clear}>
        <span className="phone:sr-only">Clear</span><span className="desk:hidden"><Icon name="close" size={14} /></span>
      </Button>
    </div>
  );
}
