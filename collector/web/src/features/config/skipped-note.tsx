import { Link } from "@tanstack/react-router";
import { Fragment } from "react";
import { counted, integer } from "../../lib/format";
import { useDeviceNames } from "../../lib/live-names";
import { Dotted } from "../../ui/dotted";
import { Icon } from "../../ui/icon";
import type { Skipped } from "./types";

/** More names than these are told by their number. */
const NAMED_MAX = 5;

const WHY: Readonly<Record<Skipped["why"], string>> = {
  too_slow: "The expression takes too long for them: make it simpler, or ask for a word.",
  damaged: "What is stored of them cannot be read. The next fetch that differs makes a version that can.",
};

/** What a search has left out: what is looked for may be in it. */
export function SkippedNote({ skipped }: { skipped: readonly Skipped[] }) {
  const names = useDeviceNames();
  const kinds = (["too_slow", "damaged"] as const).map((why) => ({ why, of: skipped.filter((one) => one.why === why) })).filter(({ of }) => of.length > 0);
  return kinds.map(({ why, of }) => (
    <p key={why} role="note" data-skipped={why} className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
      <span className="mt-px text-degraded"><Icon name="warn" /></span>
      <span>
        {counted(of.length, "device")} left out:{" "}
        {of.slice(0, NAMED_MAX).map(({ device, site, tenant }, at) => (
          <Fragment key={device.id}>
            {at > 0 && ", "}
            <Link to="/devices/$id" params={{ id: device.id }} search={{ tab: "config" }} className="text-accent underline"><Dotted name={names.name({ name: device.name, site, tenant })} /></Link>
          </Fragment>
        ))}
        {of.length > NAMED_MAX && ` and ${integer(of.length - NAMED_MAX)} more`}. {WHY[why]}
      </span>
    </p>
  ));
}
