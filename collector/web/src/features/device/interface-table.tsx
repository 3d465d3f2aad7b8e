import { type KeyboardEvent, memo, type PointerEvent, useEffect, useMemo, useRef } from "react";
import { byName, dateTime, duration, megabits, perSecond, percent, si } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { gridMove, step } from "../../lib/grid-keys";
import { live, useEachSecond, useInterface, useTableValue } from "../../lib/live-app";
import { isDim } from "../../lib/state";
import type { Device, Interface } from "../../lib/types";
import { useKeys } from "../../lib/use-keys";
import { ageTitle } from "../../ui/age";
import { StateBadge } from "../../ui/state-badge";

interface Props {
  device: Device;
  chosen: string | null;
  onChoose: (object: string) => void;
}

/** Interfaces in the device's own order. */
export function useInterfaceOrder(device: string): readonly Interface[] {
  const table = live.interfaces(device);
  const membership = useTableValue(table, (rows) => rows.membership);
  return useMemo(
    () => table.list().toSorted((a, b) => a.index - b.index || byName(a.name, b.name)),
    // oxlint-disable-next-line react/exhaustive-deps -- membership stands for the list
    [table, membership],
  );
}

export function InterfaceTable({ device, chosen, onChoose }: Props) {
  const order = useInterfaceOrder(device.id);
  const box = useRef<HTMLDivElement>(null);
  const at = order.findIndex((row) => row.object === chosen);
  const move = (to: number) => {
    const next = order[to];
    if (next) onChoose(next.object);
  };
  const enter = (by: number) => {
    box.current?.focus({ preventScroll: true });
    move(step(at, by, order.length));
  };
  useKeys({ j: () => enter(1), k: () => enter(-1) });
  const onKeyDown = (event: KeyboardEvent) => {
    const to = gridMove(event, at, order.length);
    if (to === null) return;
    event.preventDefault();
    move(to);
  };
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    // The row is found by what the choice marks.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [chosen]);
  const onPointerOver = (event: PointerEvent) => {
    const row = event.target instanceof Element ? event.target.closest("[data-object]") : null;
    const object = row?.getAttribute("data-object");
    if (row instanceof HTMLElement && object) {
      row.title = ageTitle(live.interfaces(device.id).get(object)?.updated_at);
    }
  };
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface">
      <div ref={box} role="grid" aria-label="Interfaces" aria-rowcount={order.length + 1}
        className="max-h-[calc(100dvh-230px)] overflow-auto phone:max-h-none" onPointerOver={onPointerOver}
        onKeyDown={onKeyDown} tabIndex={0} aria-activedescendant={at >= 0 ? `row-${chosen}` : undefined}>
        <div role="row" className="if-grid sticky top-0 z-10 h-8 border-b border-line bg-surface text-xs text-muted phone:hidden">
          <div role="columnheader">State</div>
          <div role="columnheader">Interface</div>
          <div role="columnheader" className="num">Speed</div>
          <div role="columnheader" className="num">In Mb/s</div>
          <div role="columnheader" className="num">Out Mb/s</div>
          <div role="columnheader" className="num" title="Errors and discards per second, both directions">Err /s</div>
        </div>
        {order.map((row) => (
          <Row key={row.object} device={device.id} interval={device.interval_s} object={row.object}
            chosen={row.object === chosen} onChoose={onChoose} />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  device: string;
  interval: number;
  object: string;
  chosen: boolean;
  onChoose: (object: string) => void;
}

const Row = memo(function Row({ device, interval, object, chosen, onChoose }: RowProps) {
  const port = useInterface(device, object);
  const dim = useEachSecond(() => isDim(port?.updated_at, interval, serverNow()));
  if (!port) return null;
  const note = port.admin === "down" ? "disabled" : null;
  const errors = sum(port.in_errors_ps, port.out_errors_ps, port.in_discards_ps, port.out_discards_ps);
  const tone = dim ? "stale" : "";
  return (
    <div
      role="row"
      id={`row-${object}`}
      aria-selected={chosen}
      data-object={object}
      data-updated-at={port.updated_at ?? ""}
      onClick={() => onChoose(object)}
      onKeyDown={(event) => event.key === "Enter" && onChoose(object)}
      className={`if-grid min-h-8 border-b border-line last:border-0 phone:gap-y-1 phone:py-2 ${
        chosen ? "bg-selected" : "hover:bg-hover"
      }`}
    >
      <div role="gridcell" className="clip phone:order-2 phone:text-right">
        <StateBadge state={port.state} note={note} />
      </div>
      <div role="gridcell" className="clip phone:order-1">
        <button type="button" onClick={() => onChoose(object)} tabIndex={chosen ? 0 : -1}
          className="inline-flex min-h-6 items-center font-medium phone:min-h-11">
          {port.name || port.description || object}
        </button>
        {port.alias && <span className="ml-2 text-muted phone:ml-0 phone:block">{port.alias}</span>}
      </div>
      <div role="gridcell" className="num text-muted phone:hidden">
        {port.speed_bps ? si(port.speed_bps, "") : "–"}
      </div>
      <Rate bps={port.in_bps} use={port.utilisation_in} className={`${tone} phone:order-3`} cell="in" />
      <Rate bps={port.out_bps} use={port.utilisation_out} className={`${tone} phone:order-4`} cell="out" />
      <div role="gridcell" className={`num phone:hidden ${tone} ${errors ? "text-degraded" : "text-muted"}`}>
        {perSecond(errors)}
      </div>
      <span className="sr-only">
        {port.updated_at ? `Updated ${dateTime(port.updated_at)}, interval ${duration(interval)}` : ""}
      </span>
    </div>
  );
});

function sum(...values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) : null;
}

/** A rate with its share of the line speed: number and bar, never the bar alone. */
function Rate({ bps, use, className, cell }: {
  bps: number | null; use: number | null; className: string; cell: "in" | "out";
}) {
  const share = Math.max(0, Math.min(1, use ?? 0));
  const colour = share >= 0.9 ? "bg-down" : share >= 0.7 ? "bg-degraded" : cell === "in" ? "bg-chart-in" : "bg-chart-out";
  return (
    <div role="gridcell" className={`flex items-center justify-end gap-2 ${className}`}>
      <span className="hidden text-xs text-muted phone:inline">{cell}</span>
      <span className="num flex-1 phone:flex-none" data-cell={cell}>{megabits(bps)}</span>
      <span className="h-1 w-9 overflow-hidden rounded-full bg-line" aria-hidden="true">
        <span className={`block h-full ${colour}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="num w-10 text-2xs text-muted">{use === null ? "" : `${percent(use)}%`}</span>
    </div>
  );
}
