import { useState } from "react";
import { integer } from "../../lib/format";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { BULK_MAX, deviceCount } from "./bulk";
import { BulkPanel } from "./bulk-panel";
import { BulkRemove } from "./bulk-remove";
import type { Selection } from "../../lib/use-selection";

/** What can be done with the marked rows. */
export function BulkBar({ selection, shown }: { selection: Selection; shown: number }) {
  const [opened, setOpened] = useState<"edit" | "remove" | null>(null);
  const { ids } = selection;
  const isTooMany = ids.length > BULK_MAX;
  const done = () => {
    setOpened(null);
    selection.clear();
  };
  return (
    <div role="toolbar" aria-label="Marked devices" data-bulk
      className="flex flex-wrap items-center gap-2 border-t border-line bg-selected px-4 py-1.5 phone:gap-1.5 phone:px-2">
      <strong className="mr-1 min-w-0 font-medium phone:order-2 phone:mr-0 phone:flex-1 phone:text-xs" role="status">{deviceCount(ids.length)} marked</strong>
      <Button className="phone:order-4" disabled={isTooMany} onClick={() => setOpened("edit")}>Edit…</Button>
      <Button className="phone:order-5" disabled={isTooMany} onClick={() => setOpened("remove")}>Remove…</Button>
      {ids.length < shown && <Button look="quiet" className="phone:order-3 phone:px-2" onClick={selection.all}><span className="phone:hidden">Mark all</span><span className="desk:hidden">All</span> {integer(shown)}</Button>}
      <Button look="quiet" className="phone:order-1 phone:w-11 phone:px-0" onClick={selection.clear}>
        <span className="phone:sr-only">Clear</span><span className="desk:hidden"><Icon name="close" size={14} /></span>
      </Button>
      {isTooMany && <span className="text-degraded phone:order-6">At most {integer(BULK_MAX)} at once: filter first.</span>}
      <BulkPanel open={opened === "edit"} ids={ids} onClose={() => setOpened(null)} onDone={done} />
      <BulkRemove open={opened === "remove"} ids={ids} onClose={() => setOpened(null)} onDone={done} />
    </div>
  );
}
