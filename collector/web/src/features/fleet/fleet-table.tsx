import { useNavigate } from "@tanstack/react-router";
import { type PointerEvent, type Ref, useEffect, useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { live } from "../../lib/live-app";
import type { Device } from "../../lib/types";
import { useBeside } from "../../lib/use-beside";
import { useCommands } from "../../lib/use-commands";
import type { Selection } from "../../lib/use-selection";
import { ageTitle } from "../../ui/age";
import { Icon } from "../../ui/icon";
import { type GridRows, LiveGrid } from "../../ui/live-grid";
import { snmpTitle } from "../device/snmp-news";
import { type FleetColumn, NUMERIC } from "./columns";
import { fit } from "./fit";
import { FLEET_GRID, FleetRow } from "./fleet-row";
import { lastFleet, rememberFleet } from "./last-fleet";
import type { Fleet } from "./use-fleet";
import { useGround } from "./use-ground";

interface Props {
  fleet: Fleet;
  /** Null for who changes nothing. */
  selection: Selection | null;
  onEscape: () => void;
  ref: Ref<GridRows>;
}

/** What is said of a figure on a closer look: its age, or why there is none. */
function figureTitle(device: Device | undefined, bySnmp: boolean): string {
  if (!device || !bySnmp) return ageTitle(device?.last_sample_at);
  return snmpTitle(device, serverNow()) ?? ageTitle(device.snmp_poll?.at ?? device.last_sample_at);
}

/** One listener for all rows: a value's age is written when the pointer reaches it. */
function onPointerOver({ target }: PointerEvent): void {
  const cell = target instanceof Element ? target.closest("[data-timed]") : null;
  const id = cell?.closest("[data-device]")?.getAttribute("data-device");
  if (cell instanceof HTMLElement && id) cell.title = figureTitle(live.devices.get(id), cell.dataset["timed"] === "snmp");
}

/** The columns that there is room for, and how wide they are. */
function useFit({ columns, room, search, sorting }: Fleet) {
  const [ref, ground] = useGround();
  const isChosen = search.cols !== undefined;
  const fitted = useMemo(() => {
    // What the rows stand in the order of is no column to leave out.
    const told = { ...room, told: new Set([...room.told, sorting.by]) };
    const { shown, template } = fit(columns.map(({ id }) => id), told, ground, isChosen);
    return { columns: columns.filter(({ id }) => shown.includes(id)), template };
  }, [columns, room, sorting.by, ground, isChosen]);
  return { ref, ...fitted };
}

/** The fleet at a desk: one line each, moved through by keys. */
export function FleetTable({ fleet, selection, onEscape, ref }: Props) {
  const navigate = useNavigate();
  const follow = (id: string) => rememberFleet({ chosen: id });
  const { chosen, choose, show, toPage, back } = useBeside({
    first: lastFleet().chosen, open: fleet.search.open, setOpen: (open) => fleet.setSearch({ open }),
    toPage: (id) => {
      follow(id);
      void navigate({ to: "/devices/$id", params: { id } });
    },
  });
  useEffect(() => rememberFleet({ chosen }), [chosen]);
  useCommands({ "go.back": () => back() || onEscape(), "list.open": chosen !== null && (() => show(chosen)) });
  const { ref: place, columns, template } = useFit(fleet);
  return (
    <div ref={place} className="flex min-h-0 min-w-0 flex-1">
      <LiveGrid ref={ref} label="Devices" ids={fleet.ids} chosen={chosen} onChoose={choose} selection={selection} paused={fleet.paused}
        className="min-w-0" style={{ "--columns": template } as Record<string, string>} onPointerOver={onPointerOver}
        headClass={FLEET_GRID} head={<Heads fleet={fleet} columns={columns} />} onFollow={follow} onOpen={show} onPage={toPage}
        renderRow={(row) => <FleetRow key={row.id} {...row} columns={columns} marked={fleet.canChange.has(row.id) ? row.marked : null} />} />
    </div>
  );
}

function Heads({ fleet: { sorting, sortBy }, columns }: { fleet: Fleet; columns: readonly FleetColumn[] }) {
  return columns.map((column) => {
    const { id, header, hint } = column;
    const isSorted = sorting.by === id;
    return (
      // The size of letters is the row's: its columns are as wide as theirs.
      <div key={id} role="columnheader" aria-sort={!isSorted ? "none" : sorting.desc ? "descending" : "ascending"}
        className={`text-xs ${NUMERIC.has(id) ? "num" : ""}`}>
        <button type="button" data-sort={id} title={hint} onClick={() => sortBy(column)}
          className={`inline-flex h-7 max-w-full min-w-6 items-center gap-0.5 whitespace-nowrap hover:text-text ${isSorted ? "font-medium text-text" : ""}`}>
          {header}
          {isSorted && <Icon name={sorting.desc ? "down" : "up"} size={11} />}
        </button>
      </div>
    );
  });
}
