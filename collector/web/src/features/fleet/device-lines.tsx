import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { integer, megabits, threeFigures } from "../../lib/format";
import { useDevice } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import type { Beside } from "../../lib/use-beside";
import { usePhone } from "../../lib/use-phone";
import { rowClicks, rowMark, useRowKeys } from "../../lib/use-row-keys";
import { Age } from "../../ui/age";
import { DeviceState } from "../../ui/state-badge";
import { Cell, ROW } from "../../ui/table-cell";
import { DeviceCard } from "./device-card";
import { useShown, useTrust } from "./fleet-row";

/** More of them are for the fleet. */
const SHOWN = 100;

const HEAD = "px-2 font-normal first:pl-4 last:pr-4";
const WIDE = "max-[1100px]:hidden";

/** The devices of one site or agent on its page, live: a click or Enter opens one. `more` narrows the fleet to them. */
export function DeviceLines({ ids, more, none }: { ids: readonly string[]; more: { q: string; tenant: string }; none?: ReactNode }) {
  const navigate = useNavigate();
  const [chosen, choose] = useState<string | null>(null);
  const toPage = (id: string) => void navigate({ to: "/devices/$id", params: { id } });
  const rows: Beside = { chosen, choose, show: toPage, toPage, back: () => false };
  const shown = ids.slice(0, SHOWN);
  useRowKeys(shown, rows);
  const phone = usePhone();
  if (ids.length === 0) return none ?? <p className="px-4 text-muted phone:px-3">None yet.</p>;
  return (
    <>
      {phone ? (
        <ul className="flex flex-col gap-2 px-3" aria-label="Devices">{shown.map((id) => <DeviceCard key={id} id={id} marked={null} isOfSite />)}</ul>
      ) : <table className="w-full border-collapse" aria-label="Devices">
        <thead className="text-xs text-muted">
          <tr className="h-8 border-y border-line bg-surface text-left">
            <th className={HEAD}>State</th><th className={HEAD}>Name</th><th className={`${HEAD} ${WIDE}`}>Address</th>
            <th className={`${HEAD} num`}>In Mb/s</th><th className={`${HEAD} num`}>Out Mb/s</th><th className={`${HEAD} num ${WIDE}`}>RTT ms</th><th className={`${HEAD} num`}>Age</th>
          </tr>
        </thead>
        <tbody>{shown.map((id) => <Line key={id} id={id} rows={rows} />)}</tbody>
      </table>}
      {ids.length > shown.length && (
        <Link to="/fleet" search={more} className="mx-4 my-2 inline-block text-accent hover:underline phone:mx-3 phone:min-h-11">
          and {integer(ids.length - shown.length)} more
        </Link>
      )}
    </>
  );
}

function Line({ id, rows }: { id: string; rows: Beside }) {
  const device = useDevice(id);
  const [state, cause, dim] = useShown(device);
  const trust = useTrust(device);
  const names = useDeviceNames();
  if (!device) return null;
  const tone = dim || trust === "old" ? "stale" : "";
  const rate = (bps: number | null) => megabits(trust === "gone" ? null : bps);
  return (
    // The keyboard way is the page's: j, k and Enter.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events
    <tr {...rowMark(id, rows.chosen)} {...rowClicks(id, rows)} data-device={id} className={`${ROW} h-7! cursor-pointer data-chosen:bg-selected`}>
      <Cell className="max-w-84"><DeviceState state={state} cause={cause} /></Cell>
      <Cell title>
        <Link to="/devices/$id" params={{ id }} className="hover:underline">{names.name(device)}</Link>
      </Cell>
      <Cell className={`text-muted ${WIDE}`}>{device.address}</Cell>
      <Cell figure className={tone}>{rate(device.in_bps)}</Cell>
      <Cell figure className={tone}>{rate(device.out_bps)}</Cell>
      <Cell figure className={`${dim ? "stale" : ""} ${WIDE}`}>{threeFigures(device.rtt_ms)}</Cell>
      <Cell figure className="text-muted"><Age at={device.last_sample_at} /></Cell>
    </tr>
  );
}
