import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent, memo, type PointerEvent, useCallback, useDeferredValue, useEffect, useEffectEvent, useRef, useState,
} from "react";
import { dateTime, duration, perSecond, si } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { gridMove, step } from "../../lib/grid-keys";
import { live, useEachSecond, useInterface } from "../../lib/live-app";
import { isDim } from "../../lib/state";
import type { Device, Interface, State } from "../../lib/types";
import { useCommands } from "../../lib/use-commands";
import { usePhone } from "../../lib/use-phone";
import { ageTitle } from "../../ui/age";
import { OffBadge, StateBadge } from "../../ui/state-badge";
import { PortFilter, PortHead } from "./interface-table-head";
import { DEVICE_ORDER, errorRate, usePorts } from "./interface-table-order";
import { Rate } from "./interface-table-rate";
import { showCharts } from "./show-charts";
import { portNews, snmpNews, snmpTitle, type Trust } from "./snmp-news";

interface Props {
  device: Device;
  chosen: string | null;
  onChoose: (object: string) => void;
}

/** A row on a desk; a phone measures its own. */
const ROW_PX = 32;
const PHONE_ROW_PX = 90;

export function InterfaceTable({ device, chosen, onChoose }: Props) {
  const [query, setQuery] = useState("");
  const [sorting, setSorting] = useState(DEVICE_ORDER);
  const { ids, held, total } = usePorts(device.id, useDeferredValue(query), sorting);
  const trust = useEachSecond(() => snmpNews(device, serverNow()).trust);
  const phone = usePhone();
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => box.current,
    estimateSize: () => (phone ? PHONE_ROW_PX : ROW_PX),
    getItemKey: (index) => ids[index] ?? index,
    // The head stays above the rows and takes the place of one.
    scrollPaddingEnd: phone ? 0 : ROW_PX,
    overscan: 8,
  });
  const at = chosen ? ids.indexOf(chosen) : -1;
  const pick = useCallback(
    (object: string) => {
      onChoose(object);
      showCharts();
    },
    [onChoose],
  );
  const move = (to: number) => {
    const next = ids[to];
    if (next) onChoose(next);
  };
  const enter = (by: number) => {
    box.current?.focus({ preventScroll: true });
    move(step(at, by, ids.length));
  };
  const toRows = () => {
    if (ids.length > 0) enter(-ids.length);
    return ids.length > 0;
  };
  useCommands({ "list.next": () => enter(1), "list.previous": () => enter(-1), "list.filter": () => input.current?.select() });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = gridMove(event, at, ids.length);
    if (to === null) return;
    event.preventDefault();
    move(to);
  };
  const show = useEffectEvent(() => {
    // On a phone what a finger chooses is in sight, and what is charted by itself moves no list.
    if (at >= 0 && !phone) virtual.scrollToIndex(at, { align: "auto" });
  });
  useEffect(() => {
    show();
    // What was chosen is brought into sight; a new order alone moves nothing.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [chosen]);
  const onPointerOver = (event: PointerEvent) => {
    const row = event.target instanceof Element ? event.target.closest("[data-object]") : null;
    const object = row?.getAttribute("data-object");
    if (row instanceof HTMLElement && object) {
      const told = ageTitle(live.interfaces(device.id).get(object)?.updated_at);
      row.title = [told, snmpTitle(device, serverNow())].filter(Boolean).join("\n");
    }
  };
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <PortFilter input={input} query={query} onQuery={setQuery} toRows={toRows} shown={ids.length} total={total} />
      <div ref={box} role="grid" aria-label="Interfaces" aria-rowcount={ids.length + 1}
        className={`${trust === "good" ? "" : "if-lost"} max-h-[calc(100dvh-280px)] min-h-48 overflow-auto phone:max-h-[40dvh]`}
        onPointerOver={onPointerOver} onPointerEnter={() => (held.current = true)}
        onPointerLeave={() => (held.current = false)}
        onKeyDown={onKeyDown} tabIndex={0} aria-activedescendant={at >= 0 ? `row-${chosen}` : undefined}>
        <PortHead sorting={sorting} onSort={setSorting} />
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const object = ids[item.index];
            return object ? (
              <Row key={object} device={device.id} interval={device.interval_s} trust={trust} object={object} index={item.index}
                start={item.start} measure={virtual.measureElement} chosen={object === chosen} onChoose={pick} />
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  device: string;
  interval: number;
  trust: Trust;
  object: string;
  index: number;
  start: number;
  measure: (element: HTMLElement | null) => void;
  chosen: boolean;
  onChoose: (object: string) => void;
}

/** As one string, so that the second hand renders a row only when it turns. */
function useNews(port: Interface | undefined, trust: Trust, interval: number): [State, string] {
  const text = useEachSecond(() => {
    if (!port) return "unknown|";
    const { state, since } = portNews(port, trust, interval, serverNow());
    return `${state}|${since ?? ""}`;
  });
  return text.split("|", 2) as [State, string];
}

const Row = memo(function Row(props: RowProps) {
  const { device, interval, trust, object, index, start, measure, chosen, onChoose } = props;
  const port = useInterface(device, object);
  const dim = useEachSecond(() => isDim(port?.updated_at, interval, serverNow()));
  const [state, since] = useNews(port, trust, interval);
  if (!port) return null;
  const isGone = trust === "gone";
  const name = port.name || port.description || object;
  const named = port.alias ? `${name} · ${port.alias}` : name;
  const known = (value: number | null) => (isGone ? null : value);
  const errors = known(errorRate(port));
  const tone = dim || trust === "old" ? "stale" : "";
  return (
    <div
      role="row"
      ref={measure}
      id={`row-${object}`}
      data-index={index}
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${start}px)` }}
      aria-selected={chosen}
      data-chosen={chosen ? "" : undefined}
      data-object={object}
      data-updated-at={port.updated_at ?? ""}
      onClick={() => onChoose(object)}
      onKeyDown={(event) => event.key === "Enter" && onChoose(object)}
      className={`if-grid absolute inset-x-0 min-h-8 border-b border-line phone:gap-y-1 phone:py-2 ${
        chosen ? "bg-selected" : "hover:bg-hover"
      }`}
    >
      <div role="gridcell" className={`clip phone:order-2 phone:text-right ${trust === "old" ? "stale" : ""}`}>
        {port.admin === "down" && !isGone ? <OffBadge /> : <StateBadge state={state} note={since && `since ${since}`} />}
      </div>
      <div role="gridcell" className="clip phone:order-1" title={named}>
        <button type="button" onClick={() => onChoose(object)} tabIndex={chosen ? 0 : -1}
          className="clip inline-block max-w-full align-middle leading-6 font-medium phone:min-h-11 phone:min-w-11 phone:text-left">
          {name}
        </button>
        {port.alias && <span className="ml-2 align-middle text-muted phone:ml-0 phone:block">{port.alias}</span>}
      </div>
      <div role="gridcell" className="num text-muted phone:hidden">
        {port.speed_bps ? si(port.speed_bps, "") : "–"}
      </div>
      <Rate bps={known(port.in_bps)} use={known(port.utilisation_in)} className={`${tone} phone:order-3`} cell="in" />
      <Rate bps={known(port.out_bps)} use={known(port.utilisation_out)} className={`${tone} phone:order-4`} cell="out" />
      <div role="gridcell" className={`num phone:hidden ${tone} ${errors ? "text-degraded" : "text-muted"}`}>
        {perSecond(errors)}
      </div>
      <span className="sr-only">
        {port.updated_at ? `Updated ${dateTime(port.updated_at)}, interval ${duration(interval)}` : ""}
      </span>
    </div>
  );
});
