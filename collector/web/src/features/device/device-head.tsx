import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { Names } from "../../lib/names";
import { useMayIn } from "../../lib/role";
import { causeHint, type ShownCause } from "../../lib/state";
import { useScope } from "../../lib/scope";
import type { Device, DeviceDetail, State } from "../../lib/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { Dotted } from "../../ui/dotted";
import { Icon } from "../../ui/icon";
import { MoreMenu } from "../../ui/more-menu";
import { DeviceState } from "../../ui/state-badge";
import { useOffline } from "../agents/offline";
import { useShown } from "../fleet/fleet-row";
import { removeSoon } from "../fleet/leaving";
import { PollButton, type PollNow } from "./poll-now";
import { wayBack } from "./way-back";

const EditDevice = lazy(() => import("./edit-device").then((m) => ({ default: m.EditDevice })));

interface Props {
  device: Device;
  detail: DeviceDetail;
  names: Names;
  poll: PollNow;
  editing: boolean;
  onEdit: (on: boolean) => void;
}

/** Its name, how it is, and what can be done with it. */
export function DeviceHead({ device, detail, names, poll, editing, onEdit }: Props) {
  const [state, told] = useShown(device);
  // Nothing comes of it: the agent was given no credential.
  const cause = detail.snmp.damaged && (told === "pending" || told === "no_credential") ? "credential_damaged" : told;
  const may = useMayIn()(device.tenant.id);
  const offline = useOffline(device.agent.id);
  const back = wayBack();
  return (
    <header className="px-4 pt-3 pb-2 phone:px-3">
      <Trail device={device} />
      <div className="flex items-center gap-3 phone:flex-wrap phone:gap-x-1">
        <Link to={back.href} aria-label={`Back to ${back.label}`} title={`Back to ${back.label} (Esc)`} data-way-back
          className="-ml-2 inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover phone:size-11 print:hidden">
          <Icon name="back" />
        </Link>
        <h1 className="clip text-xl font-semibold phone:grow phone:basis-[calc(100%-168px)] phone:whitespace-normal! phone:wrap-anywhere" title={names.name(device)}>
          <Dotted name={names.name(device)} />
        </h1>
        <span className="shrink-0 rounded-full border border-line px-3 py-1 phone:order-last phone:mb-1" data-device-state>
          <DeviceState state={state} cause={cause} />
        </span>
        <span className="flex-1 phone:hidden" />
        <Link to="/devices/$id/live" params={{ id: device.id }} title="Large figures, for work on the link" data-live-link
          className="inline-flex h-8 shrink-0 items-center justify-center rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:order-last phone:mb-1 phone:ml-auto phone:h-11 print:hidden">
          Live view
        </Link>
        {may.write && (
          <>
            <PollButton poll={poll} offline={offline} />
            <Button onClick={() => onEdit(true)} aria-label="Edit device">Edit</Button>
            <RemoveDevice device={device} names={names} />
          </>
        )}
      </div>
      <Hint state={state} cause={cause} device={device} />
      <Suspense>{editing && <EditDevice open detail={detail} onClose={() => onEdit(false)} />}</Suspense>
    </header>
  );
}

/** Why it is so and what to do, where neither echo nor SNMP says it below. */
function Hint({ state, cause, device: { icmp, snmp_poll: snmp } }: { state: State; cause: ShownCause | null; device: Device }) {
  const hint = causeHint(cause);
  const isBelow = cause === icmp?.cause || cause === snmp?.cause || cause === "no_credential" || cause === "credential_damaged";
  if (!hint || isBelow || state === "up") return null;
  return <p className="mt-1 text-muted" data-hint={cause}>{hint}</p>;
}

/** Where the device stands; each part leads to all that stands there. */
function Trail({ device: { tenant, site } }: { device: Device }) {
  const { tenants } = useScope();
  const link = "rounded hover:text-text hover:underline";
  return (
    <nav aria-label="Breadcrumb" className="mb-1 text-xs text-muted phone:hidden">
      <ol className="flex items-center gap-1.5">
        <li><Link to="/fleet" className={link}>Fleet</Link></li>
        {tenants.length > 1 && (
          <li>
            <span aria-hidden="true" className="mr-1.5">/</span>
            <Link to="/fleet" search={{ tenant: tenant.id }} className={link}>{tenant.name}</Link>
          </li>
        )}
        <li>
          <span aria-hidden="true" className="mr-1.5">/</span>
          <Link to="/fleet" search={{ tenant: tenant.id, q: site.name }} className={link}>{site.name}</Link>
        </li>
      </ol>
    </nav>
  );
}

function RemoveDevice({ device, names }: { device: Device; names: Names }) {
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const remove = () => {
    setAsking(false);
    removeSoon([device.id], names.name(device));
    void navigate({ href: wayBack().href });
  };
  return (
    <>
      <MoreMenu label="More of this device" acts={[{ label: "Remove device…", onAct: () => setAsking(true), isDanger: true }]} />
      <Confirm open={asking} onOpenChange={setAsking} title={`Remove ${names.name(device)}?`}
        action="Remove device" busy={false} error={null} onConfirm={remove}
        loses={["Its history and charts", "The credential it is polled with"]}>
        {device.agent.name} stops polling {device.address}.
      </Confirm>
    </>
  );
}
