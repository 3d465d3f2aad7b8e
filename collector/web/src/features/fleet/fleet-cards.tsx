import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useRef, type CSSProperties } from "react";
import { megabits } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { Age } from "../../ui/age";
import { DeviceState } from "../../ui/state-badge";
import { useShown, useTrust } from "./fleet-row";
import type { Fleet } from "./use-fleet";
import { ROWS_MARK } from "../../lib/use-held";
import type { Selection } from "../../lib/use-selection";

const CARD_PX = 100;

/**
 * The fleet on a phone: one card per device, the whole card is the target. It opens the device, or
 * marks it while there is a `selection`.
 */
export function FleetCards({ fleet, selection }: { fleet: Fleet; selection: Selection | null }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: fleet.ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => CARD_PX,
    getItemKey: (index) => fleet.ids[index] ?? index,
    overscan: 4,
  });
  return (
    // A finger rests on the list only while it scrolls: hold the order meanwhile.
    <div
      ref={scroller}
      className="min-h-0 flex-1 overflow-y-auto"
      {...ROWS_MARK}
      onTouchStart={() => (fleet.paused.current = true)}
      onTouchEnd={() => (fleet.paused.current = false)}
      onTouchCancel={() => (fleet.paused.current = false)}
    >
      <ul aria-label="Devices" className="relative m-0 list-none p-0" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const id = fleet.ids[item.index];
          return id ? (
            <Card key={id} id={id} marked={selection && fleet.canChange.has(id) ? selection.has(id) : null} onMark={selection?.toggle}
              style={{ height: CARD_PX, transform: `translateY(${item.start}px)` }} />
          ) : null;
        })}
      </ul>
    </div>
  );
}

interface CardProps {
  id: string;
  /** Null while a tap opens the device. */
  marked: boolean | null;
  onMark: ((id: string) => void) | undefined;
  style: CSSProperties;
}

const Card = memo(function Card({ id, marked, onMark, style }: CardProps) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const trust = useTrust(device);
  const names = useDeviceNames();
  const { isMixed } = useScope();
  if (!device) return null;
  const rate = (bps: number | null) => megabits(trust === "gone" ? null : bps);
  return (
    <li className="absolute inset-x-0 px-3 py-1" style={style} data-device={id}
      data-sample-at={device.last_sample_at ?? ""}>
      <Target id={id} name={names.name(device)} marked={marked} onMark={onMark}>
        <span className="flex items-center justify-between gap-3">
          <span className="line-clamp-2 text-base leading-tight font-medium wrap-anywhere">{names.name(device)}</span>
          <span className="shrink-0 text-xs text-muted">
            <Age at={device.last_sample_at} />
          </span>
        </span>
        <span className="flex items-center justify-between gap-3">
          <DeviceState state={state} cause={cause} />
        </span>
        <span className="flex items-center justify-between gap-3 text-xs text-muted">
          <span className="clip">
            {device.site.name}{isMixed && ` · ${device.tenant.name}`}{device.tags.length > 0 && ` · ${device.tags.join(", ")}`}
          </span>
          <span className={`shrink-0 text-text ${dim || trust === "old" ? "stale" : ""}`}>
            <span aria-label="in">↓</span> {rate(device.in_bps)}{" "}
            <span aria-label="out">↑</span> {rate(device.out_bps)} Mb/s
          </span>
        </span>
      </Target>
    </li>
  );
});

const TARGET = "flex h-full rounded-lg border px-3.5";

/** The card itself: a link to the device, or the label of its mark. */
function Target({ id, name, marked, onMark, children }: Omit<CardProps, "style"> & { name: string; children: ReactNode }) {
  const body = <span className="flex min-w-0 flex-1 flex-col justify-center gap-1">{children}</span>;
  if (marked === null) {
    return <Link to="/devices/$id" params={{ id }} className={`${TARGET} border-line bg-surface`}>{body}</Link>;
  }
  return (
    <label className={`${TARGET} items-center gap-3.5 ${marked ? "border-accent bg-selected" : "border-line bg-surface"}`}>
      <input type="checkbox" aria-label={`Mark ${name}`} className="size-5 shrink-0 accent-accent" checked={marked}
        onChange={() => onMark?.(id)} />
      {body}
    </label>
  );
}
