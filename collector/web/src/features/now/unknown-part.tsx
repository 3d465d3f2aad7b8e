import { Link } from "@tanstack/react-router";
import { counted, integer } from "../../lib/format";
import { live, useDevice } from "../../lib/live-app";
import { useAgentNames, useDeviceNames } from "../../lib/live-names";
import { Age } from "../../ui/age";
import { StateShape } from "../../ui/state-badge";
import { LINE, MORE, NowPart } from "./now-part";
import { reasonWords, type UnknownGroup } from "./unknown";
import type { Now } from "./use-now";

const GROUPS_SHOWN = 8;
const DEVICES_SHOWN = 4;

/** Devices of which nothing is known, why, and since when: those that no incident tells of. Not there while all is known. */
export function UnknownPart({ now: { unknown } }: { now: Now }) {
  if (unknown.length === 0) return null;
  const hidden = unknown.length - GROUPS_SHOWN;
  const count = unknown.reduce((sum, { devices }) => sum + devices.length, 0);
  return (
    <NowPart title="Unknown" note={counted(count, "device")} data-unknown={count}>
      <ul aria-label="Unknown devices by reason">
        {unknown.slice(0, GROUPS_SHOWN).map((group) => <Group key={group.key} group={group} />)}
      </ul>
      {hidden > 0 && <Link to="/fleet" search={{ state: "unknown" }} className={MORE}>and {counted(hidden, "reason")} more</Link>}
    </NowPart>
  );
}

function Group({ group }: { group: UnknownGroup }) {
  const agents = useAgentNames();
  const { agent: id, devices, reason } = group;
  const row = id === null ? undefined : live.agents.get(id);
  const name = row ? agents.name(row) : (live.devices.get(devices[0]?.id ?? "")?.agent.name ?? "");
  const hidden = devices.length - DEVICES_SHOWN;
  // Of an agent that is away, since it was heard; else since the longest of them.
  const since = (row && !row.revoked_at ? row.last_seen_at : null) ?? devices[0]?.since;
  return (
    <li className={LINE} data-unknown-group={reason}>
      <div className="flex items-baseline gap-3">
        <StateShape state="unknown" size={11} />
        <span className="min-w-0 flex-1 wrap-anywhere">
          {id === null ? reasonWords(group, "", undefined)
            : <Link to="/agents/$id" params={{ id }} className="hover:underline">{reasonWords(group, name, row)}</Link>}
          <span className="text-muted"> · {counted(devices.length, "device")}</span>
        </span>
        <span className="num shrink-0 text-xs text-muted">{devices.length > 1 && id === null && "up to "}<Age at={since} /></span>
      </div>
      <p className="flex flex-wrap gap-x-3 pl-6 text-xs text-muted">
        {devices.slice(0, DEVICES_SHOWN).map((one) => <One key={one.id} {...one} />)}
        {hidden > 0 && (
          <Link to="/fleet" search={{ state: "unknown", ...(name && id ? { q: name } : {}) }} className="text-accent hover:underline phone:inline-flex phone:min-h-6 phone:items-center">and {integer(hidden)} more</Link>
        )}
      </p>
    </li>
  );
}

function One({ id, since }: { id: string; since: string }) {
  const device = useDevice(id);
  const names = useDeviceNames();
  if (!device) return null;
  return <span><Link to="/devices/$id" params={{ id }} className="text-text hover:underline phone:inline-flex phone:min-h-6 phone:items-center">{names.name(device)}</Link> <Age at={since} /></span>;
}
