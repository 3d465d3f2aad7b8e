import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { COMPARES } from "../../features/charts/compare";
import { TABS } from "../../features/device/tabs";
import { DevicePage } from "../../features/device/device-page";

const point = v.fallback(v.optional(v.union([v.string(), v.number()])), undefined);
const text = v.fallback(v.optional(v.string()), undefined);
const search = v.object({
  tab: v.fallback(v.optional(v.picklist(TABS)), undefined),
  /** The interface that is charted. */
  if: text,
  /** What is looked for among the metrics. */
  find: text,
  /** Kinds of events that are shown, if not all. */
  kinds: text,
  from: point,
  to: point,
  zone: v.fallback(v.optional(v.literal("utc")), undefined),
  compare: v.fallback(v.optional(v.picklist(COMPARES)), undefined),
});

export const Route = createFileRoute("/_app/devices/$id")({
  validateSearch: search,
  component: DeviceRoute,
});

function DeviceRoute() {
  const { id } = Route.useParams();
  return <DevicePage key={id} id={id} />;
}
