import { counted } from "../../lib/format";
import { StateShape } from "../../ui/state-badge";

/** All is well: one look from the door tells it. */
export function Calm({ devices, sites }: { devices: number; sites: number }) {
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
