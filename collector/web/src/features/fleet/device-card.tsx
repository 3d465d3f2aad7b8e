import { Link } from "@tanstack/react-router";
import { type CSSProperties, memo, type ReactNode } from "react";
import { megabits } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import { causeWord, stateWord } from "../../lib/state";
import { useScope } from "../../lib/scope";
import { Age } from "../../ui/age";
import { STATE_COLOUR, StateShape } from "../../ui/state-badge";
import { useShown, useTrust } from "./fleet-row";

/** With the gap to the next one. */
export const CARD_PX = 70;
/** Longer names are set smaller, so that a full address of IPv6 is not cut. */
const LONG_NAME = 34;

interface Props {
  id: string;
  /** Null while a tap opens the device. */
  marked: boolean | null;
  onMark?: ((id: string) => void) | undefined;
  style?: CSSProperties | undefined;
  className?: string;
  /** The page says where they stand. */
  isOfSite?: boolean;
}

/** A device on a phone, in two lines: the whole card opens it, or marks it. */
export const DeviceCard = memo(function DeviceCard({ id, marked, onMark, style, className = "", isOfSite = false }: Props) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const trust = useTrust(device);
  const names = useDeviceNames();
  const { isMixed } = useScope();
  if (!device) return null;
  const { in_bps: into, out_bps: out, site, tenant, tags } = device;
  const name = names.name(device);
  const why = causeWord(cause);
  const where = isOfSite ? [device.address, ...tags] : [site.name, ...(isMixed ? [tenant.name] : []), ...tags];
  const isTold = trust !== "gone" && (into !== null || out !== null);
  return (
    <li className={className} style={style} data-device={id} data-sample-at={device.last_sample_at ?? ""}>
      <Target id={id} name={name} marked={marked} onMark={onMark}>
        <span className="flex items-center gap-2.5">
          <StateShape state={state} />
          <span className={`clip min-w-0 flex-1 leading-tight font-medium ${name.length > LONG_NAME ? "text-xs" : "text-base"}`}>{name}</span>
          <span className="shrink-0 text-xs text-muted"><Age at={device.last_sample_at} /></span>
        </span>
        {/* One line: where the cause needs the room, the place is cut, and the rates turn over into what is not shown. */}
        <span className="flex h-[1lh] flex-wrap gap-x-2.5 overflow-hidden pl-[22px] text-xs">
          <span className="flex max-w-full min-w-0 grow text-muted">
            <span className="clip shrink-0 max-w-full">
              <span className={STATE_COLOUR[state]} data-state={state}>{stateWord(state, cause)}</span>
              {why && <span className="text-text"> {why}</span>}
            </span>
            <span className="clip w-0 grow whitespace-pre"> · {where.join(" · ")}</span>
          </span>
          {isTold && (
            <span className={`shrink-0 ${dim || trust === "old" ? "stale" : ""}`}>
              <span aria-label="in">↓</span> {megabits(into)} <span aria-label="out">↑</span> {megabits(out)} Mb/s
            </span>
          )}
        </span>
      </Target>
    </li>
  );
});

const TARGET = "flex h-full min-h-15 rounded-lg border px-3";

/** The card itself: a link to the device, or the label of its mark. */
function Target({ id, name, marked, onMark, children }: Pick<Props, "id" | "marked" | "onMark"> & { name: string; children: ReactNode }) {
  const body = <span className="flex min-w-0 flex-1 flex-col justify-center gap-0.5">{children}</span>;
  if (marked === null) {
    return <Link to="/devices/$id" params={{ id }} className={`${TARGET} border-line bg-surface`}>{body}</Link>;
  }
  return (
    <label className={`${TARGET} items-center gap-3 ${marked ? "border-accent bg-selected" : "border-line bg-surface"}`}>
      <input type="checkbox" aria-label={`Mark ${name}`} className="size-5 shrink-0 accent-accent" checked={marked}
        onChange={() => onMark?.(id)} />
      {body}
    </label>
  );
}
