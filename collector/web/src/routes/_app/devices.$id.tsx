import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { DevicePage } from "../../features/device/device-page";

const point = v.optional(v.fallback(v.union([v.string(), v.number()]), "now"));
const search = v.object({
  if: v.optional(v.fallback(v.string(), "")),
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
