import { Link } from "@tanstack/react-router";
import { shortModel } from "../../lib/format";
import { live, useRowValue } from "../../lib/live-app";
import type { Adopted, ScanHost } from "../../lib/types";
import { INPUT } from "../../ui/field";
import { StateShape } from "../../ui/state-badge";
import { Cell, ROW } from "../../ui/table-cell";
import { Tag } from "../../ui/tag";
import { inMs } from "../agents/link";
import { whyNot } from "./scan-words";

interface Props {
  host: ScanHost;
  isPicked: boolean;
  /** Undefined: as it is proposed. */
  name: string | undefined;
  outcome: Adopted["outcomes"][number] | undefined;
  onPick: (on: boolean) => void;
  onName: (name: string) => void;
}

/** A host, the device that it would be, and what became of it. */
export function ProposalRow({ host, isPicked, name, outcome, onPick, onName }: Props) {
  const { address, device, snmp, duplicate_of: same } = host;
  const why = whyNot(host);
  // It may have been given another name since.
  const known = useRowValue(live.devices, device ?? "", (row) => row?.name ?? null);
  return (
    <tr className={`${ROW} phone:flex! phone:flex-wrap phone:gap-y-0.5! phone:px-3 phone:py-2`} data-host={address}>
      <Cell className={device ? "phone:hidden" : "phone:order-1"}>
        {device ? <StateShape state="up" /> : (
          <label className="inline-flex min-h-6 min-w-6 items-center phone:-mr-3 phone:min-h-11 phone:min-w-11">
            <input type="checkbox" className="size-4 accent-accent phone:size-5" checked={isPicked} onChange={(event) => onPick(event.target.checked)} />
            <span className="sr-only">Adopt {address}</span>
          </label>
        )}
      </Cell>
      <Cell className="font-mono text-xs whitespace-nowrap phone:order-3">{address}</Cell>
      <Cell className={`phone:order-2 phone:flex-1 ${device ? "phone:basis-full" : "phone:basis-[75%]"}`}>
        {device ? (
          <Link to="/devices/$id" params={{ id: device }} className="font-medium text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center" data-adopted-device>
            {known ?? outcome?.name ?? host.name ?? address}
          </Link>
        ) : (
          <input aria-label={`Name of ${address}`} className={`${INPUT} min-w-36 desk:h-7!`} autoComplete="off" spellCheck={false}
            placeholder={host.proposed_name} value={name ?? host.proposed_name} onChange={(event) => onName(event.target.value)} />
        )}
        {outcome?.detail && <span className="block text-xs text-down phone:basis-full" data-refused={outcome.code}>{outcome.detail}</span>}
      </Cell>
      <Cell className="phone:order-4">
        <span className="flex flex-wrap items-center gap-1.5">
          {(host.kind ?? (host.descr && shortModel(host.descr))) ?? <span className="text-muted">not known</span>}
          {device && <Tag tone="accent">watched{outcome ? " now" : " already"}</Tag>}
          {same && <Tag tone="warn" title="It tells the same of itself">same device as {same}</Tag>}
        </span>
      </Cell>
      <Cell label="Echo" figure className="phone:order-6">{host.echo.rtt_ms === null ? <span className="text-muted">none</span> : inMs(host.echo.rtt_ms)}</Cell>
      <Cell className="phone:order-5">
        {device && !snmp.works ? <span className="text-muted">not asked</span> : snmp.works ? (
          <span className="inline-flex items-center gap-2"><StateShape state="up" size={10} />{snmp.version} by {snmp.profile?.name ?? "a profile that is gone"}</span>
        ) : <span className="block max-w-[44ch] py-1 text-xs text-muted">{why ?? "nothing works"}</span>}
      </Cell>
    </tr>
  );
}
