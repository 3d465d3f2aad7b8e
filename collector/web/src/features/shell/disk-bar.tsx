import { useDiskFull } from "../../lib/use-disk";
import { useMe } from "../../lib/use-person";
import { Icon } from "../../ui/icon";

/** While nothing is stored for want of room: for who runs the collector, nobody else can make room. */
export function DiskBar() {
  if (!useDiskFull(useMe()?.user.role === "super_admin")) return null;
  return (
    <p role="alert" data-disk-bar className="flex shrink-0 items-start gap-2 border-b border-line bg-down-soft px-4 py-1.5 text-xs phone:px-3">
      <span className="mt-px text-down"><Icon name="warn" size={14} /></span>
      <span className="min-w-0 wrap-anywhere">
        <strong className="font-medium">The disk of the collector's data is full.</strong> Nothing new is stored; agents keep what they
        measure until there is room, and nothing is lost while their buffers last. Delete something or make the disk larger: all goes on by itself.
      </span>
    </p>
  );
}
