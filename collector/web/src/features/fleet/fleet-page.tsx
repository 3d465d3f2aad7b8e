import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { meQuery } from "../../lib/session";
import { STATE_WORD, STATES } from "../../lib/state";
import { useKeys } from "../../lib/use-keys";
import { usePhone } from "../../lib/use-phone";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { StateShape } from "../../ui/state-badge";
import { TableError } from "../shell/table-error";
import { FleetCards } from "./fleet-cards";
import { FleetEmpty, FleetNoMatch } from "./fleet-empty";
import { rememberFleet } from "./last-fleet";
import { FleetFilter } from "./fleet-filter";
import { type FleetRows, FleetTable } from "./fleet-table";
import { type Fleet, useFleet } from "./use-fleet";

// Not part of the first load: the rows come first.
const Picker = lazy(() => import("../../ui/picker").then((m) => ({ default: m.Picker })));
const AddDevice = lazy(() => import("./add-device").then((m) => ({ default: m.AddDevice })));

export function FleetPage() {
  const fleet = useFleet();
  const phone = usePhone();
  const may = useMay();
  const [adding, setAdding] = useState(false);
  const phase = useTableValue(live.devices, (table) => table.phase);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRef<FleetRows>(null);

  useEffect(() => {
    live.ensureDevices();
  }, []);
  const { down } = fleet.counts;
  useEffect(() => {
    document.title = `${down > 0 ? `(${integer(down)} down) ` : ""}Fleet · Farwatch`;
  }, [down]);
  useKeys({ "/": () => input.current?.select() });
  useEffect(() => rememberFleet({ search: fleet.search }), [fleet.search]);
  const clear = () => fleet.setSearch({ q: "", state: undefined, tenant: "" });
  // Esc is pressed lightly; the tenant is a choice of another kind and stays.
  const clearFilter = () => fleet.setSearch({ q: "", state: undefined });

  return (
    <div className="flex h-full flex-col">
      <PageHead title="Fleet">
        <FleetFilter input={input} query={fleet.search.q ?? ""} onQuery={(q) => fleet.setSearch({ q })}
          toRows={() => rows.current?.first() ?? false} />
        <TenantPicker fleet={fleet} />
        <StateFilter fleet={fleet} />
        <span className="flex-1" />
        {fleet.held && <span className="text-xs text-muted phone:hidden">order held</span>}
        <span className="text-xs text-muted phone:hidden" aria-live="off" data-fleet-count>
          {integer(fleet.ids.length)} of {integer(fleet.total)}
        </span>
        {may.write && (
          <Button look="solid" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> Add device
          </Button>
        )}
      </PageHead>
      <TableError table={live.devices} className="mx-4 mb-3" />
      {fleet.total === 0 ? (
        phase === "ready" ? <FleetEmpty onAdd={() => setAdding(true)} /> : <Skeleton label="Loading devices" rows={24} />
      ) : fleet.ids.length === 0 ? (
        <FleetNoMatch onClear={clear} />
      ) : phone ? (
        <FleetCards fleet={fleet} />
      ) : (
        <FleetTable ref={rows} fleet={fleet} onEscape={clearFilter} />
      )}
      <Suspense>{adding && <AddDevice open onOpenChange={setAdding} />}</Suspense>
    </div>
  );
}

const ALL = "all";

function TenantPicker({ fleet }: { fleet: Fleet }) {
  const { data: me } = useQuery(meQuery);
  if (!me || me.tenants.length < 2) return null;
  const choices = [
    { value: ALL, label: "All tenants" },
    ...me.tenants.map((tenant) => ({ value: tenant.id, label: tenant.name })),
  ];
  return (
    <span className="h-8 phone:order-2 phone:h-11 phone:w-full desk:w-44">
      <Suspense>
        <Picker
          label="Tenant"
          value={fleet.search.tenant || ALL}
          choices={choices}
          onChange={(value) => fleet.setSearch({ tenant: value === ALL ? "" : value })}
        />
      </Suspense>
    </span>
  );
}

function StateFilter({ fleet }: { fleet: Fleet }) {
  const { search, setSearch, counts } = fleet;
  return (
    <div role="group" aria-label="State" className="flex gap-1 phone:order-3 phone:w-full">
      {STATES.map((state) => {
        const on = search.state === state;
        return (
          <button
            key={state}
            type="button"
            aria-pressed={on}
            data-state-filter={state}
            title={`Show only ${STATE_WORD[state].toLowerCase()}`}
            onClick={() => setSearch({ state: on ? undefined : state })}
            className={`inline-flex h-8 items-center gap-1.5 rounded-md border px-2.5 phone:h-11 phone:flex-1 phone:justify-center phone:px-1 ${
              on ? "border-accent bg-selected" : "border-transparent hover:bg-hover"
            }`}
          >
            <StateShape state={state} size={10} />
            <span className="text-muted phone:sr-only">{STATE_WORD[state]}</span>
            <span className="font-medium">{integer(counts[state])}</span>
          </button>
        );
      })}
    </div>
  );
}
