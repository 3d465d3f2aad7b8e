import { useMemo } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { dateTime, duration, integer, NONE } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { usePages } from "../../lib/use-pages";
import { useRefresh } from "../../lib/use-refresh";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Picker } from "../../ui/picker";
import { StateBadge } from "../../ui/state-badge";
import { AlertLink, DeliveryDetail } from "./delivery-detail";
import { causeWords, deliveryShown, eventWord } from "./delivery-words";
import { DELIVERIES } from "./queries";
import type { LogSearch } from "./search";
import type { Channel, Delivery, DeliveryState } from "./types";

const ROWS = 50;
const EVERY = "every";
const STATES = [
  { value: EVERY, label: "Every state" }, { value: "queued", label: "Queued or retrying" }, { value: "delivered", label: "Delivered" },
  { value: "failed", label: "Failed or given up" },
] as const;

/** When it is tried again. */
function NextTry({ delivery: { next_at: at }, isOff }: { delivery: Delivery; isOff: boolean }) {
  const text = useEachSecond(() => {
    if (!at) return NONE;
    const seconds = Math.ceil((Date.parse(at) - serverNow()) / 1000);
    return seconds > 0 ? `in ${duration(seconds)}` : "now";
  });
  return <span title={at ? dateTime(at) : undefined}>{at && isOff ? "once it is on" : text}</span>;
}

function Cause({ delivery }: { delivery: Delivery }) {
  const cause = causeWords(delivery);
  return <span className="block min-w-0 wrap-anywhere text-muted desk:py-1.5">{cause ?? NONE}</span>;
}

function columnsOf(isOff: boolean): readonly Column<Delivery>[] {
  return [
    { by: "at", label: "At", className: "whitespace-nowrap text-muted", cell: (row) => <Age at={row.created_at} long /> },
    { by: "event", label: "Event", cell: (row) => eventWord(row.event) },
    { by: "summary", label: "What", title: true, cell: (row) => <AlertLink delivery={row} /> },
    { by: "state", label: "State", cell: (row) => <StateBadge {...deliveryShown(row)} /> },
    { by: "tries", label: "Tries", figure: true, cell: (row) => integer(row.attempts.length) },
    { by: "next", label: "Next try", className: "whitespace-nowrap", cell: (row) => <NextTry delivery={row} isOff={isOff} /> },
    { by: "cause", label: "Cause", className: "phone:col-span-2", cell: (row) => <Cause delivery={row} /> },
  ];
}

interface Props {
  channel: Channel;
  search: LogSearch;
  onSearch: (search: LogSearch) => void;
}

/** What a channel was told, the newest first. */
export function DeliveryLog({ channel, search: { state }, onSearch }: Props) {
  const { id, enabled } = channel;
  const list = usePages([...DELIVERIES, id, "log", state ?? EVERY], (cursor) => {
    const query = { limit: ROWS, ...cursor, ...(state ? { state } : {}) };
    return take(api.GET("/api/v1/channels/{id}/deliveries", { params: { path: { id }, query } }));
  });
  // Who reads far back does not have all of it loaded anew each time.
  useRefresh(list.rows.length <= ROWS ? [DELIVERIES] : []);
  const columns = useMemo(() => columnsOf(!enabled), [enabled]);
  return (
    <section aria-labelledby="deliveries">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pt-5 pb-2 phone:px-3">
        <h2 id="deliveries" className="font-semibold">Deliveries</h2>
        <Picker label="State" className="desk:w-48!" choices={STATES} value={state ?? EVERY}
          onChange={(next) => onSearch({ state: next === EVERY ? undefined : (next as DeliveryState) })} />
      </div>
      <DataTable label="Deliveries" list={list} columns={columns} keyOf={(row) => row.id} first={{ by: "at", desc: true }}
        renderDetail={(row) => <DeliveryDetail delivery={row} channel={channel} />}
        empty={<NoDelivery state={state} onAll={() => onSearch({ state: undefined })} />} />
    </section>
  );
}

function NoDelivery({ state, onAll }: { state: DeliveryState | undefined; onAll: () => void }) {
  if (state) {
    return (
      <Empty title={state === "queued" ? "Nothing is queued" : "None is in this state"}>
        <Button className="self-start" onClick={onAll}>Show every state</Button>
      </Empty>
    );
  }
  return (
    <Empty title="No delivery yet">
      <p>
        Each notification stands here for 90 days: whether it got through, how often it was tried, and why it did not. A test is
        one of them.
      </p>
    </Empty>
  );
}
