import { lazy, Suspense } from "react";
import { live, useTableValue } from "../../lib/live-app";
import type { Device } from "../../lib/types";

// Most devices have none: the list comes when there is something in it.
const List = lazy(() => import("../alerts/open-list").then((m) => ({ default: m.DeviceAlerts })));

/** What is wrong with the device. Not there while nothing is. */
export function DeviceAlerts({ device: { id, tenant } }: { device: Device }) {
  const isAlerted = useTableValue(live.alerts, (table) =>
    table.list().some(({ device, phase }) => device?.id === id && phase !== "resolved"));
  return <Suspense>{isAlerted && <List device={id} tenant={tenant.id} />}</Suspense>;
}
