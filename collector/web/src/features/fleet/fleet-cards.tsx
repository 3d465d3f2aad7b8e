import { Link } from "@tanstack/react-router";
import { type CSSProperties, memo, type ReactNode } from "react";
import { megabits } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { useScope } from "../../lib/scope";
import { Age } from "../../ui/age";
import { LiveCards } from "../../ui/live-cards";
import { DeviceState } from "../../ui/state-badge";
import { useShown, useTrust } from "./fleet-row";
import type { Fleet } from "./use-fleet";
import type { Selection } from "../../lib/use-selection";

const CARD_PX = 100;

/**
 * The fleet on a phone: one card per device, the whole card is the target. It opens the device, or
 * marks it while there is a `selection`.
 */
export function FleetCards({ fleet, selection }: { fleet: Fleet; selection: Selection | null }) {
  return (
    <LiveCards label="Devices" ids={fleet.ids} cardPx={CARD_PX} paused={fleet.paused} renderCard={(id, style) => (
      <Card key={id} id={id} marked={selection && fleet.canChange.has(id) ? selection.has(id) : null} onMark={selection?.toggle} style={style} />
    )} />
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
