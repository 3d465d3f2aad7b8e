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
    <tr className={ROW} data-host={address}>
      <Cell className={device ? "phone:hidden" : "phone:order-1 phone:col-span-2"}>
        {device ? <StateShape state="up" /> : (
          <label className="inline-flex min-h-6 min-w-6 items-center gap-2 phone:min-h-11">
            <input type="checkbox" className="size-4 accent-accent" checked={isPicked} onChange={(event) => onPick(event.target.checked)} />
            <span className="desk:sr-only">Adopt <span className="sr-only">{address}</span></span>
          </label>
        )}
      </Cell>
      <Cell className="font-mono text-xs whitespace-nowrap phone:order-first phone:col-span-2 phone:text-base">{address}</Cell>
      <Cell className="phone:order-2 phone:col-span-2">
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
      <Cell className="phone:order-3 phone:col-span-2">
        <span className="flex flex-wrap items-center gap-1.5">
          {(host.kind ?? (host.descr && shortModel(host.descr))) ?? <span className="text-muted">not known</span>}
          {device && <Tag tone="accent">watched{outcome ? " now" : " already"}</Tag>}
          {same && <Tag tone="warn" title="It tells the same of itself">same device as {same}</Tag>}
        </span>
      </Cell>
      <Cell label="Echo" figure className="phone:order-4">{host.echo.rtt_ms === null ? <span className="text-muted">none</span> : inMs(host.echo.rtt_ms)}</Cell>
      <Cell label="SNMP" className="phone:order-5 phone:col-span-2">
        {device && !snmp.works ? <span className="text-muted">not asked</span> : snmp.works ? (
          <span className="inline-flex items-center gap-2"><StateShape state="up" size={10} />{snmp.version} by {snmp.profile?.name ?? "a profile that is gone"}</span>
        ) : <span className="block max-w-[44ch] py-1 text-xs text-muted">{why ?? "nothing works"}</span>}
      </Cell>
    </tr>
  );
}
