import type { Selection } from "../../lib/use-selection";
import { LiveCards } from "../../ui/live-cards";
import { CARD_PX, DeviceCard } from "./device-card";
import type { Fleet } from "./use-fleet";

/** The fleet on a phone. A tap opens the device, or marks it while there is a `selection`. */
export function FleetCards({ fleet, selection }: { fleet: Fleet; selection: Selection | null }) {
  return (
    <LiveCards label="Devices" ids={fleet.ids} cardPx={CARD_PX} paused={fleet.paused} renderCard={(id, style) => (
      <DeviceCard key={id} id={id} marked={selection && fleet.canChange.has(id) ? selection.has(id) : null} onMark={selection?.toggle}
        style={style} className="absolute inset-x-0 px-3 py-1" />
    )} />
  );
}
