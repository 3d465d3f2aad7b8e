/** The last seven days of a device: since when it is as it is, and what happened last. Not the range of the charts. */
import type { Device } from "../../lib/types";
import type { Range } from "../../lib/range";
import { type Happened, useTimeline } from "../timeline/use-timeline";
import { useRange } from "../charts/use-range";

export const WEEK: Range = { from: "now-7d", to: "now" };
const nothing = () => {};

export function useWeek(device: Pick<Device, "id" | "interval_s">): Happened {
  const { span } = useRange({ range: WEEK, zone: "local", compare: null, set: nothing, setZone: nothing, setCompare: nothing });
  return useTimeline(device, WEEK, span);
}
