import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent, type PointerEvent, type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState,
} from "react";
import { serverNow } from "../../lib/clock";
import { gridMove, step } from "../../lib/grid-keys";
import { live } from "../../lib/live-app";
import type { Device } from "../../lib/types";
import { useKeys } from "../../lib/use-keys";
import { ageTitle } from "../../ui/age";
import { Icon } from "../../ui/icon";
import { snmpTitle } from "../device/snmp-news";
import { NUMERIC, roomClass } from "./columns";
import { FleetRow } from "./fleet-row";
import { lastFleet, rememberFleet } from "./last-fleet";
import { isLong, roomStyle } from "./room";
import type { Fleet } from "./use-fleet";
import type { Selection } from "./use-selection";

export const ROW_PX = 28;

export interface FleetRows {
  /** Marks the first row and takes the focus; false when there is none. */
  first: () => boolean;
}

interface Props {
  fleet: Fleet;
  /** Null for who changes nothing. */
  selection: Selection | null;
  onEscape: () => void;
  ref: Ref<FleetRows>;
}

/** What is said of a figure on a closer look: its age, or why there is none. */
function figureTitle(device: Device | undefined, bySnmp: boolean): string {
  if (!device || !bySnmp) return ageTitle(device?.last_sample_at);
  return snmpTitle(device, serverNow()) ?? ageTitle(device.snmp_poll?.at ?? device.last_sample_at);
}

export function FleetTable({ fleet, selection, onEscape, ref }: Props) {
  const { table, ids, paused } = fleet;
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState(lastFleet().chosen);
  const choose = (id: string | null) => {
    setChosen(id);
    rememberFleet({ chosen: id });
  };
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 8,
  });

  const move = (to: number) => {
    const id = ids[to];
    if (!id) return;
    choose(id);
    virtual.scrollToIndex(to, { align: "auto" });
  };
  const at = chosen ? ids.indexOf(chosen) : -1;
  const open = (id: string | null) => {
    if (!id) return;
    rememberFleet({ chosen: id });
    void navigate({ to: "/devices/$id", params: { id } });
  };
  // Back from a device: the row it was opened from is in sight and has the keys.
  const comeBack = useEffectEvent(() => {
    if (at < 0) return;
    virtual.scrollToIndex(at, { align: "center" });
    scroller.current?.focus({ preventScroll: true });
  });
  useEffect(() => comeBack(), []);
  // From anywhere on the page: the grid takes the focus, then its own keys work too.
  const enter = (by: number) => {
    scroller.current?.focus({ preventScroll: true });
    move(step(at, by, ids.length));
  };
  useImperativeHandle(ref, () => ({
    first: () => {
      if (ids.length > 0) enter(-ids.length);
      return ids.length > 0;
    },
  }));
  useKeys({
    j: () => enter(1),
    k: () => enter(-1),
    x: () => chosen && selection?.toggle(chosen),
    Escape: () => (chosen ? choose(null) : onEscape()),
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = gridMove(event, at, ids.length);
    if (to !== null) move(to);
    // Enter on a heading or a link is theirs.
    else if (event.key === "Enter" && event.target === event.currentTarget) open(chosen);
    else return;
    event.preventDefault();
  };

  // One listener for all rows: a value's age is written when the pointer reaches it.
  const onPointerOver = (event: PointerEvent) => {
    const cell = event.target instanceof Element ? event.target.closest("[data-timed]") : null;
    const id = cell?.closest("[data-device]")?.getAttribute("data-device");
    if (cell instanceof HTMLElement && id) cell.title = figureTitle(live.devices.get(id), cell.dataset["timed"] === "snmp");
  };

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label="Devices"
      aria-rowcount={ids.length + 1}
      aria-activedescendant={chosen && at >= 0 ? `row-${chosen}` : undefined}
      tabIndex={0}
      className={`min-h-0 flex-1 overflow-y-auto ${isLong(fleet.room) ? "long-addresses" : ""}`}
      style={roomStyle(fleet.room)}
      onKeyDown={onKeyDown}
      onPointerEnter={() => (paused.current = true)}
      onPointerLeave={() => (paused.current = false)}
      onPointerOver={onPointerOver}
    >
      <div
        role="row"
        aria-rowindex={1}
        className={`fleet-grid ${fleet.isMixed ? "" : "one-tenant"} sticky top-0 z-10 h-8 border-y border-line bg-surface text-muted`}
      >
        {table.getFlatHeaders().map((header) => {
          const sorted = header.column.getIsSorted();
          return (
            <div
              key={header.id}
              role="columnheader"
              aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : "none"}
              // The size of letters is the row's: its columns are as wide as theirs.
              className={`text-xs ${NUMERIC.has(header.id) ? "num" : ""} ${roomClass(header.id)}`}
            >
              <button
                type="button"
                data-sort={header.id}
                onClick={header.column.getToggleSortingHandler()}
                className={`inline-flex h-7 max-w-full items-center gap-0.5 whitespace-nowrap hover:text-text ${
                  sorted ? "font-medium text-text" : ""
                }`}
              >
                {String(header.column.columnDef.header)}
                {sorted && <Icon name={sorted === "asc" ? "up" : "down"} size={11} />}
              </button>
            </div>
          );
        })}
      </div>
      {/* The keyboard way is the grid's own: arrows and Enter. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events */}
      <div
        role="rowgroup"
        className="relative"
        style={{ height: virtual.getTotalSize() }}
        onClick={(event) => {
          const row = event.target instanceof Element ? event.target.closest("[data-device]") : null;
          const id = row?.getAttribute("data-device") ?? null;
          // Text was marked, to be copied: that is no wish to leave.
          if (getSelection()?.isCollapsed === false) return;
          if (!(event.target as Element).closest("a, label")) open(id);
          else rememberFleet({ chosen: id });
        }}
      >
        {virtual.getVirtualItems().map((item) => {
          const id = ids[item.index];
          return id ? (
            <FleetRow
              key={id}
              id={id}
              index={item.index}
              selected={id === chosen}
              marked={selection ? selection.has(id) : null}
              onMark={selection?.toggle}
              style={{ height: ROW_PX, transform: `translateY(${item.start}px)` }}
            />
          ) : null;
        })}
      </div>
    </div>
  );
}
