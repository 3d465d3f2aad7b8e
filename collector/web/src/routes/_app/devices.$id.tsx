import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { DevicePage } from "../../features/device/device-page";

const point = v.fallback(v.optional(v.union([v.string(), v.number()])), undefined);
const search = v.object({
  if: v.fallback(v.optional(v.string()), undefined),
  tab: v.fallback(v.optional(v.picklist(["hardware", "config"])), undefined),
  /** What of the hardware is charted. */
  of: v.fallback(v.optional(v.string()), undefined),
  from: point,
  to: point,
});

export const Route = createFileRoute("/_app/devices/$id")({
  validateSearch: search,
  component: DeviceRoute,
});

function DeviceRoute() {
  const { id } = Route.useParams();
  return <DevicePage key={id} id={id} />;
}
