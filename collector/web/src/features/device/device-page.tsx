import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { live, useLink, useWatchedInterfaces } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { useOwner } from "../../lib/use-owner";
import { useTitle } from "../../lib/use-title";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { NotFound } from "../shell/lost";
import { PrintFoot } from "../shell/print-foot";
import { TableError } from "../shell/table-error";
import { DeviceAlerts } from "./device-alerts";
import { DeviceHead } from "./device-head";
import { DeviceTabs } from "./device-tabs";
import { PollResult, usePollNow } from "./poll-now";
import { useDeviceCommands } from "./use-device-commands";
import { useDetail } from "./use-detail";
import { useNamesOf } from "./use-device-names";
import { wayBack } from "./way-back";

export function DevicePage({ id }: { id: string }) {
  const navigate = useNavigate();
  const { row, detail, isRemoved, isMissing, error, retry } = useDetail(id);
  const device = row ?? detail;
  useWatchedInterfaces(id, row !== undefined);
  const isLeftOut = useLink((status) => (status.without.includes(id) ? "yes" : "")) !== "";
  const [editing, setEditing] = useState(false);
  const poll = usePollNow(id);
  const names = useNamesOf(device);
  const called = device && names.name(device);
  useTitle(called ?? null, true);
  const owner = device?.tenant.id;
  useOwner(owner);
  const back = wayBack();
  const mayIn = useMayIn();
  useDeviceCommands(id, owner !== undefined && mayIn(owner).write, () => void navigate({ href: back.href }));
  if (isRemoved) return <Removed name={detail ? names.name(detail) : "This device"} />;
  if (isMissing) return <NotFound />;
  if (error) return <ErrorNote error={error} className="m-4" onRetry={retry} />;
  if (!device || !detail) return <div role="status" aria-label="Loading the device" />;
  return (
    <div className="flex min-h-full flex-col">
      <DeviceHead device={device} detail={detail} names={names} poll={poll} editing={editing} onEdit={setEditing} />
      <DeviceAlerts device={device} />
      <div className="px-4 empty:hidden phone:px-3"><PollResult poll={poll} /></div>
      {isLeftOut && (
        <p role="status" className="mx-4 mt-4 rounded-md border border-edge bg-degraded-soft px-3 py-2 phone:mx-3">
          Interfaces are not live: too many device tabs are open. Close one of the others.
        </p>
      )}
      <TableError table={live.interfaces(id)} className="mx-4 mt-4 phone:mx-3" />
      <DeviceTabs device={device} detail={detail} name={called ?? device.name} onEdit={() => setEditing(true)} />
      <PrintFoot />
    </div>
  );
}

function Removed({ name }: { name: string }) {
  return (
    <Empty title={`${name} was removed`}>
      <p>It is polled no more, and its history cannot be reached.</p>
      <Link to="/fleet" className="py-1 text-accent underline underline-offset-4">
        Go to the fleet
      </Link>
    </Empty>
  );
}
