import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { percent, reading } from "../../lib/format";
import { serverNow } from "../../lib/clock";
import { live, useEachSecond, useInterface, useTableValue } from "../../lib/live-app";
import { isDim } from "../../lib/state";
import type { Device } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { ChartTile } from "../charts/chart-tile";
import { PORT_CHARTS } from "../charts/specs";
import { useCharts } from "../charts/use-charts";
import { busyOnes } from "./busiest";
import { TILE_POINTS } from "./health-tiles";
import { portLatest } from "./latest";
import { portNews, snmpNews, untoldWords } from "./snmp-news";

const SHOWN = 4;
/** Utilisation from here on is worth a look. */
const FULL = 0.9;
const SPARK_PX = 28;
const TRAFFIC = PORT_CHARTS.slice(0, 1);

/** The ports that carry most now, each with its traffic over the range. */
export function BusyPorts({ device }: { device: Device }) {
  const { id } = device;
  // As a string: the order is another only when a port overtakes one of them.
  const text = useTableValue(live.interfaces(id), (table) => busyOnes(table.list(), SHOWN).map(({ object }) => object).join(" "));
  const counts = useTableValue(live.interfaces(id), (table) => `${table.list().filter((one) => one.state === "up").length}/${table.size}`);
  const untold = useEachSecond(() => untoldWords(device, serverNow()));
  const ports = text && !untold ? text.split(" ") : [];
  const [up, all] = counts.split("/");
  if (all === "0") return null;
  return (
    <section aria-labelledby="busy-ports" className="rounded-lg border border-line bg-surface px-3 pt-2 pb-1" data-busy-ports={ports.length}>
      <div className="flex items-baseline gap-2">
        <h2 id="busy-ports" className="font-semibold">Busiest ports</h2>
        <span className="flex-1" />
        <Link to="/devices/$id" params={{ id }} search={(old) => ({ ...old, tab: "interfaces" })} className="touch text-xs text-muted hover:text-text hover:underline">{untold ? `${all} ports` : `${up} of ${all} up`}</Link>
      </div>
      {ports.length === 0 && <p className="py-2 text-muted">{untold ?? "None carries anything now."}</p>}
      <ul>{ports.map((object) => <Port key={object} device={device} object={object} />)}</ul>
    </section>
  );
}

function Port({ device, object }: { device: Device; object: string }) {
  const port = useInterface(device.id, object);
  const latest = useMemo(() => portLatest(port), [port]);
  const { drawn, gapS, isLate } = useCharts({ device, object, charts: TRAFFIC, latest, all: true, points: TILE_POINTS });
  const dim = useEachSecond(() => isDim(port?.updated_at, device.interval_s, serverNow()));
  const shown = useEachSecond(() => (port ? portNews(port, snmpNews(device, serverNow()).trust, device.interval_s, serverNow()).state : "unknown"));
  if (!port) return null;
  const [one] = drawn ?? [];
  const use = Math.max(port.utilisation_in ?? 0, port.utilisation_out ?? 0);
  const name = port.name || port.description || object;
  const known = (bps: number | null) => reading(shown === "unknown" ? null : bps, "b/s");
  const rates = (
    <span className={`inline-flex flex-wrap gap-x-3 text-xs ${dim ? "stale" : ""}`}>
      <span><span className="text-chart-in" aria-label="in">↓</span> {known(port.in_bps)}</span>
      <span><span className="text-chart-out" aria-label="out">↑</span> {known(port.out_bps)}</span>
      {use > 0 && <span className={use >= FULL ? "text-degraded" : "text-muted"}>{percent(use)} %</span>}
    </span>
  );
  const link = (
    <Link to="/devices/$id" params={{ id: device.id }} search={(old) => ({ ...old, tab: "interfaces", if: object })} title={[name, port.alias].filter(Boolean).join(" · ")}
      className="flex min-w-0 items-center gap-2 hover:underline phone:min-h-11">
      <StateShape state={shown} size={10} />
      <span className="clip"><span className="font-medium">{name}</span>{port.alias && <span className="ml-2 text-xs text-muted">{port.alias}</span>}</span>
    </Link>
  );
  return (
    <li className="border-t border-line py-1.5 first:border-t-0" data-busy-port={object}>
      {one
        ? <ChartTile spec={one.spec} data={one.data} gapS={gapS} isLate={isLate} height={SPARK_PX} name={link}>{rates}</ChartTile>
        : <div className="flex min-h-6 items-start justify-between gap-x-3" style={{ height: 24 + SPARK_PX }}>{link}{rates}</div>}
    </li>
  );
}
