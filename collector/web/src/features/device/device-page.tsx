import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect } from "react";
import { live, useLink, useTableValue, useWatchedInterfaces } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import type { ShownCause } from "../../lib/state";
import type { Device } from "../../lib/types";
import { useTitle } from "../../lib/use-title";
import { useKeys } from "../../lib/use-keys";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { useShown } from "../fleet/fleet-row";
import { lastFleet } from "../fleet/last-fleet";
import { NotFound } from "../shell/lost";
import { TableError } from "../shell/table-error";
import { DeviceHead } from "./device-head";
import { InterfaceCharts } from "./interface-charts";
import { InterfaceTable, useInterfaceOrder } from "./interface-table";
import { busiest } from "./interface-table-order";
import { useDetail } from "./use-detail";
import { useNamesOf } from "./use-device-names";

export function DevicePage({ id }: { id: string }) {
  const search = useSearch({ from: "/_app/devices/$id" });
  const navigate = useNavigate({ from: "/devices/$id" });
  const { row, detail, isRemoved, isMissing, error, retry } = useDetail(id);
  const device = row ?? detail;
  useWatchedInterfaces(id, row !== undefined);
  const isLeftOut = useLink((status) => (status.without.includes(id) ? "yes" : "")) !== "";
  const order = useInterfaceOrder(id);
  const phase = useTableValue(live.interfaces(id), (table) => table.phase);
  const chosen = search.if || busiest(order)?.object || null;
  const port = order.find((one) => one.object === chosen);

  const names = useNamesOf(device);
  const called = device && names.name(device);
  useTitle(called ?? null, true);
  // A link from elsewhere may lead to another tenant than the one the pages are narrowed to.
  const { tenant } = useScope();
  const owner = device?.tenant.id;
  useEffect(() => {
    if (!tenant || !owner || tenant.id === owner) return;
    void navigate({ search: (old) => ({ ...old, tenant: owner }), replace: true });
  }, [tenant, owner, navigate]);
  useKeys({ Escape: () => void navigate({ to: "/fleet", search: lastFleet().search }) });
  const choose = useCallback(
    (object: string) => {
      void navigate({ search: (old) => ({ ...old, if: object }), replace: true });
    },
    [navigate],
  );

  if (isRemoved) return <Removed name={detail ? names.name(detail) : "This device"} />;
  if (isMissing) return <NotFound />;
  if (error) return <ErrorNote error={error} className="m-4" onRetry={retry} />;
  if (!device || !detail) return <div role="status" aria-label="Loading the device" />;
  return (
    <div className="flex min-h-full flex-col">
      <DeviceHead device={device} detail={detail} names={names} />
      {isLeftOut && (
        <p role="status" className="mx-4 mt-4 rounded-md border border-edge bg-degraded-soft px-3 py-2 phone:mx-3">
          Interfaces are not live: too many device tabs are open. Close one of the others.
        </p>
      )}
      <TableError table={live.interfaces(id)} className="mx-4 mt-4 phone:mx-3" />
      {order.length === 0 && phase === "ready" ? (
        <NoInterfaces device={device} hasCredential={detail.snmp.credential !== "none"} />
      ) : (
        <div className="grid grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)] items-start gap-5 p-4 max-[1280px]:grid-cols-1 phone:p-3">
          <InterfaceTable device={device} chosen={chosen} onChoose={choose} />
          <InterfaceCharts device={device} object={chosen}
            title={port ? `${port.name || port.object}${port.alias ? ` · ${port.alias}` : ""}` : "Interface"} />
        </div>
      )}
    </div>
  );
}

/** When the first answer is to be expected, by what keeps it away. */
const FIRST_ANSWER: Partial<Record<ShownCause, string>> = {
  pending: "The first poll reads the interface table; it is due within one interval.",
  no_credential: "Without a credential nobody asks the device. Its interfaces show here with its first answer.",
  agent_unseen: "The agent of the device was not here yet. The first poll follows when it connects.",
  agent_offline: "The agent of the device is not connected. The interfaces show here with the first answer that it sends.",
  agent_revoked: "The agent of the device is revoked. Its interfaces show here when another agent asks it.",
};
const NOT_ANSWERED = "The device has not answered yet. Its interfaces show here with its first answer.";

function NoInterfaces({ device, hasCredential }: { device: Device; hasCredential: boolean }) {
  const [state, cause] = useShown(device, hasCredential);
  if (device.last_sample_at) {
    return (
      <Empty title="No interfaces">
        <p>The device answers, but gave no interface table. Check what its community may read.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No interfaces yet">
      <p>{(state === "unknown" && cause && FIRST_ANSWER[cause]) || NOT_ANSWERED}</p>
    </Empty>
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
