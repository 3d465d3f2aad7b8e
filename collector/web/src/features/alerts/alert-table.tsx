import type { Ref } from "react";
import type { Beside } from "../../lib/use-beside";
import type { Selection } from "../../lib/use-selection";
import { Button } from "../../ui/button";
import { type GridRows, LiveGrid } from "../../ui/live-grid";
import { AlertRow, gridClass, Heads } from "./alert-row";
import type { Order } from "./standing";
import type { Inbox } from "./use-inbox";

interface Props {
  inbox: Inbox;
  beside: Beside;
  /** Null for who changes nothing. */
  selection: Selection | null;
  ref: Ref<GridRows>;
}

/** The alerts at a desk: one line each, moved through by keys. */
export function AlertTable({ inbox, beside, selection, ref }: Props) {
  const { ids, paused, past, isMixed, canAct, search, setSearch } = inbox;
  const onOrder = search.state === "resolved" ? null : (order: Order) => setSearch({ order: order === "worst" ? undefined : order });
  return (
    <LiveGrid ref={ref} label="Alerts" ids={ids} chosen={beside.chosen} onChoose={beside.choose} selection={selection} paused={paused}
      className="@container min-w-0" headClass={gridClass(isMixed)} head={<Heads isMixed={isMixed} order={search.order ?? "worst"} onOrder={onOrder} />}
      onOpen={beside.show} onPage={beside.toPage}
      renderRow={(row) => (
        <AlertRow key={row.id} {...row} marked={canAct.has(row.id) ? row.marked : null} past={past.byId.get(row.id)} />
      )}>
      <More inbox={inbox} />
    </LiveGrid>
  );
}

/** The next page of what is over. */
export function More({ inbox: { past } }: { inbox: Inbox }) {
  if (!past.more) return null;
  return (
    <Button className="m-3" disabled={past.isLoadingMore} onClick={past.more}>
      {past.isLoadingMore ? "Loading…" : "Show more"}
    </Button>
  );
}
