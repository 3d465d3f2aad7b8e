import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useRef, type CSSProperties } from "react";
import { megabits } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { Age } from "../../ui/age";
import { DeviceState } from "../../ui/state-badge";
import { useShown } from "./fleet-row";
import type { Fleet } from "./use-fleet";

const CARD_PX = 100;

/** The fleet on a phone: one card per device, the whole card is the target. */
export function FleetCards({ fleet }: { fleet: Fleet }) {
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
      onTouchStart={() => (fleet.paused.current = true)}
      onTouchEnd={() => (fleet.paused.current = false)}
      onTouchCancel={() => (fleet.paused.current = false)}
    >
      <ul aria-label="Devices" className="relative m-0 list-none p-0" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const id = fleet.ids[item.index];
          return id ? (
            <Card key={id} id={id} style={{ height: CARD_PX, transform: `translateY(${item.start}px)` }} />
          ) : null;
        })}
      </ul>
    </div>
  );
}

const Card = memo(function Card({ id, style }: { id: string; style: CSSProperties }) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const names = useDeviceNames();
  const { isMixed } = useScope();
  if (!device) return null;
  return (
    <li className="absolute inset-x-0 px-3 py-1" style={style} data-device={id}
      data-sample-at={device.last_sample_at ?? ""}>
      <Link
        to="/devices/$id"
        params={{ id }}
        className="flex h-full flex-col justify-center gap-1 rounded-lg border border-line bg-surface px-3.5"
      >
        <span className="flex items-center justify-between gap-3">
          <span className="clip text-base font-medium">{names.name(device)}</span>
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
          <span className={`shrink-0 text-text ${dim ? "stale" : ""}`}>
            <span aria-label="in">↓</span> {megabits(device.in_bps)}{" "}
            <span aria-label="out">↑</span> {megabits(device.out_bps)} Mb/s
          </span>
        </span>
      </Link>
    </li>
  );
});
