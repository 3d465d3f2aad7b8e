import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { useIntent } from "../../lib/intent";
import { live, useTableValue } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import { STATE_WORD, STATES } from "../../lib/state";
import { useCommands } from "../../lib/use-commands";
import { useTitle } from "../../lib/use-title";
import { usePhone } from "../../lib/use-phone";
import { Button } from "../../ui/button";
import { FilterInput } from "../../ui/filter-input";
import { HeldSign } from "../../ui/held-sign";
import { Icon } from "../../ui/icon";
import type { GridRows } from "../../ui/live-grid";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { StateShape } from "../../ui/state-badge";
import { Toggle } from "../../ui/toggle";
import { SavedViews } from "../views/saved-views";
import { TableError } from "../shell/table-error";
import { ColumnMenu } from "./column-menu";
import { FleetCards } from "./fleet-cards";
import { FleetEmpty, FleetNoMatch, ImportLink } from "./fleet-empty";
import { FleetTable } from "./fleet-table";
import { TagFilter } from "./tag-filter";
import { type Fleet, useFleet } from "./use-fleet";
import { useSelection } from "../../lib/use-selection";

// Not part of the first load: the rows come first.
const AddDevice = lazy(() => import("./add-device").then((m) => ({ default: m.AddDevice })));
const DevicePanel = lazy(() => import("./device-panel").then((m) => ({ default: m.DevicePanel })));
const BulkBar = lazy(() => import("./bulk-bar").then((m) => ({ default: m.BulkBar })));

export function FleetPage() {
  const fleet = useFleet();
  const phone = usePhone();
  const mayAdd = useMayMake("write");
  const [adding, setAdding] = useState(false);
  // On the desk there is room for a box on each row; on the phone a tap opens, unless one is marking.
  const [marking, setMarking] = useState(false);
  const phase = useTableValue(live.devices, (table) => table.phase);
  const { ids, canChange } = fleet;
  const markable = useMemo(() => ids.filter((id) => canChange.has(id)), [ids, canChange]);
  const mayMark = markable.length > 0;
  const selection = useSelection(markable);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRef<GridRows>(null);

  useEffect(() => {
    live.ensureDevices();
  }, []);
  const { down } = fleet.counts;
  useTitle(`${down > 0 ? `(${integer(down)} down) ` : ""}Fleet`);
  useCommands({ "list.filter": () => input.current?.select() });
  useIntent("device", () => setAdding(true));
  const clear = () => fleet.setSearch({ q: "", state: undefined, tag: undefined });
  const bulk = <Suspense>{selection.ids.length > 0 && <BulkBar selection={selection} shown={markable.length} />}</Suspense>;

  return (
    <div className="flex h-full flex-col">
      <PageHead title="Fleet" isBare>
        <div className="contents phone:block phone:min-w-0 phone:flex-1">
          <FilterInput label="Filter devices" input={input} query={fleet.search.q ?? ""} onQuery={(q) => fleet.setSearch({ q })}
            toRows={() => rows.current?.first() ?? false} />
        </div>
        <div className="contents phone:order-3 phone:flex phone:w-full phone:gap-2">
          <StateFilter fleet={fleet} />
          <TagFilter tag={fleet.search.tag} onChange={(tag) => fleet.setSearch({ tag })} />
        </div>
        {phone && mayMark && fleet.total > 1 && (
          <Toggle className="px-2" title="Tap devices to change them together" on={marking}
            onChange={(on) => {
              setMarking(on);
              selection.clear();
            }}>
            Mark<span className="sr-only"> several</span>
          </Toggle>
        )}
        <SavedViews />
        <span className="ml-auto flex items-center gap-3">
          <span className="text-xs whitespace-nowrap text-muted phone:hidden" aria-live="off" data-fleet-count>
            <HeldSign on={fleet.held} />{integer(fleet.ids.length)} of {integer(fleet.total)}
          </span>
          <ColumnMenu cols={fleet.search.cols} isMixed={fleet.isMixed} onChange={(cols) => fleet.setSearch({ cols })} />
          {mayAdd && <ImportLink className="phone:hidden" />}
          {mayAdd && (
            <Button look="solid" className="phone:w-11 phone:px-0" onClick={() => setAdding(true)}>
              <Icon name="plus" size={14} /> <span className="phone:sr-only">Add device</span>
            </Button>
          )}
        </span>
      </PageHead>
      <TableError table={live.devices} className="mx-4 mb-3" />
      {!phone && bulk}
      {fleet.total === 0 ? (
        phase === "ready" ? <FleetEmpty onAdd={() => setAdding(true)} /> : <Skeleton label="Loading devices" rows={24} />
      ) : fleet.ids.length === 0 ? (
        <FleetNoMatch onClear={clear} />
      ) : phone ? (
        <>
          <FleetCards fleet={fleet} selection={marking && mayMark ? selection : null} />
          {/* Where the thumb is. */}
          {bulk}
        </>
      ) : (
        <div className="flex min-h-0 flex-1">
          <FleetTable ref={rows} fleet={fleet} selection={mayMark ? selection : null} onEscape={clear} />
          <Suspense>
            {fleet.search.open && <DevicePanel id={fleet.search.open} onClose={() => fleet.setSearch({ open: undefined })} />}
          </Suspense>
        </div>
      )}
      <Suspense>{adding && <AddDevice open onOpenChange={setAdding} />}</Suspense>
    </div>
  );
}

const PILL = "inline-flex h-8 items-center gap-1.5 rounded-md border px-2.5 phone:h-11 phone:min-w-11 phone:flex-1 phone:justify-center phone:px-1";

/** All of them, or those of one state: what is chosen has the frame. */
function StateFilter({ fleet: { search, setSearch, counts } }: { fleet: Fleet }) {
  const all = STATES.reduce((sum, state) => sum + counts[state], 0);
  return (
    <div role="group" aria-label="State" className="flex gap-1 phone:min-w-0 phone:flex-1">
      {[undefined, ...STATES].map((state) => {
        const on = search.state === state;
        return (
          <button key={state ?? "all"} type="button" aria-pressed={on} data-state-filter={state ?? "all"}
            title={state ? `Show only ${STATE_WORD[state].toLowerCase()}` : "Show all states"}
            onClick={() => setSearch({ state: on ? undefined : state })}
            className={`${PILL} ${on ? "border-accent bg-selected" : "border-transparent hover:bg-hover phone:border-edge"}`}>
            {state && <StateShape state={state} size={10} colour={counts[state] === 0 ? "text-faint" : undefined} />}
            <span className={state ? "text-muted phone:sr-only" : "text-muted"}>{state ? STATE_WORD[state] : "All"}</span>
            <span className="font-medium">{integer(state ? counts[state] : all)}</span>
          </button>
        );
      })}
    </div>
  );
}
