import { useState } from "react";
import { integer } from "../../lib/format";
import { Button } from "../../ui/button";
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
      className="flex flex-wrap items-center gap-2 border-t border-line bg-selected px-4 py-1.5">
      <strong className="mr-1 font-medium" role="status">{deviceCount(ids.length)} marked</strong>
      <Button disabled={isTooMany} onClick={() => setOpened("edit")}>Edit…</Button>
      <Button disabled={isTooMany} onClick={() => setOpened("remove")}>Remove…</Button>
      {ids.length < shown && <Button look="quiet" onClick={selection.all}>Mark all {integer(shown)}</Button>}
      <Button look="quiet" onClick={selection.clear}>Clear</Button>
      {isTooMany && <span className="text-degraded">At most {integer(BULK_MAX)} at once: filter first.</span>}
      <BulkPanel open={opened === "edit"} ids={ids} onClose={() => setOpened(null)} onDone={done} />
      <BulkRemove open={opened === "remove"} ids={ids} onClose={() => setOpened(null)} onDone={done} />
    </div>
  );
}
