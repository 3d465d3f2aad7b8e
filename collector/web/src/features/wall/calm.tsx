import { counted } from "../../lib/format";
import { useDiskFull } from "../../lib/use-disk";
import { Icon } from "../../ui/icon";
import { StateShape } from "../../ui/state-badge";

/** All is well: one look from the door tells it. Nobody knows while nothing new is stored. */
export function Calm({ devices, sites }: { devices: number; sites: number }) {
  if (useDiskFull()) {
    return <p className="m-auto text-[2em] text-muted">All were up and no alert was open before the disk was full</p>;
  }
  return (
    <div data-wall-calm className="m-auto flex flex-col items-center gap-[.8em] text-center">
      <span className="[&>svg]:size-[7em]"><StateShape state="up" /></span>
      <p className="text-[2.4em] leading-tight font-semibold">{counted(devices, "device")} at {counted(sites, "site")}: all up</p>
      <p className="text-[1.2em] text-muted">No open alert</p>
    </div>
  );
}

export function NoDevices() {
  return (
    <div className="m-auto max-w-[34em] text-center">
      <p className="text-[1.8em] font-semibold">No devices in this view</p>
      <p className="mt-[.5em] text-muted">It shows them by itself when there are some. What the view shows is set under Settings, Wallboards.</p>
    </div>
  );
}

/** Over every view: what it shows was so before. */
export function DiskFull() {
  if (!useDiskFull()) return null;
  return (
    <p role="alert" data-wall-disk className="flex shrink-0 items-center gap-[.6em] rounded-[.3em] bg-down-soft px-[.7em] py-[.4em] text-[1.2em]">
      <span className="text-down [&>svg]:size-[1.2em]"><Icon name="warn" size={24} /></span>
      Nothing new is stored: the collector's disk is full. What stands here was so before.
    </p>
  );
}
