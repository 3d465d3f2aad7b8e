import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { causeHint, causeWord, isDim } from "../../lib/state";
import type { Device, DeviceDetail, DeviceObject } from "../../lib/types";
import { ageTitle } from "../../ui/age";
import { ErrorNote } from "../../ui/error-note";
import { ChartTile } from "../charts/chart-tile";
import { useCharts } from "../charts/use-charts";
import { type HealthTile, healthTiles } from "./health";
import { objectLatest } from "./latest";
import { useObjects } from "./use-objects";

/** Points of a small chart. */
export const TILE_POINTS = 160;

/** Processor, memory, temperature and the few more that the device tells of. */
export function HealthTiles({ device, missing }: { device: Device; missing: DeviceDetail["missing"] }) {
  const objects = useObjects(device);
  const tiles = useMemo(() => healthTiles(objects.data ?? []), [objects.data]);
  if (objects.error && !objects.data) return <ErrorNote error={objects.error} onRetry={() => void objects.refetch()} />;
  if (!objects.data) return <div role="status" aria-label="Loading the health" className="min-h-32" />;
  return (
    <section aria-label="Health" data-health={tiles.length}>
      {tiles.length === 0 && (
        <p className="rounded-lg border border-line bg-surface px-4 py-3 text-muted">
          {device.snmp_poll?.state === "up"
            ? "It tells nothing of processor, memory or sensors. Its view may have to be widened: many devices show only the interfaces."
            : missing.length === 0 && "Processor, memory and sensors show here with its first answer over SNMP."}
          {missing.map(({ group, cause }) => <span key={group} data-missing={group}> {group === "host" ? "Processors, memory and disks" : "Sensors"}: {causeWord(cause) ?? "not given"}. {causeHint(cause)}</span>)}
        </p>
      )}
      <div className="grid grid-cols-3 gap-3 phone:grid-cols-1">
        {tiles.map((tile) => <Tile key={`${tile.object} ${tile.spec.id}`} tile={tile} device={device} object={objects.data.find(({ object }) => object === tile.object)} />)}
      </div>
    </section>
  );
}

function Tile({ tile, device, object }: { tile: HealthTile; device: Device; object: DeviceObject | undefined }) {
  const charts = useMemo(() => [tile.spec], [tile.spec]);
  const latest = useMemo(() => objectLatest(object), [object]);
  const { drawn, gapS, isLate } = useCharts({ device, object: tile.object, charts, latest, points: TILE_POINTS });
  const dim = useEachSecond(() => isDim(tile.at, device.interval_s, serverNow()));
  const [one] = drawn ?? [];
  const head = (
    <>
      <span className={`text-lg font-semibold ${tile.cause ? "text-muted" : tile.isHigh ? "text-degraded" : ""} ${dim ? "stale" : ""}`} data-value>{tile.value}</span>
      {/* Two lines before it is cut: the end tells how much there is. */}
      <span className="line-clamp-2 min-w-0 flex-1 text-xs text-muted wrap-anywhere" title={tile.of} data-of>{tile.of}</span>
    </>
  );
  return (
    <article className="min-w-0 break-inside-avoid rounded-lg border border-line bg-surface px-3 pt-2 pb-1.5" title={ageTitle(tile.at)} data-health-tile={tile.spec.id}>
      <h3 className="text-xs">
        <Link to="/devices/$id" params={{ id: device.id }} search={(old) => ({ ...old, tab: "metrics", find: tile.title })} className="touch text-muted hover:text-text hover:underline">{tile.title}</Link>
      </h3>
      {one ? <ChartTile spec={one.spec} data={one.data} gapS={gapS} isLate={isLate}>{head}</ChartTile> : <p className="flex h-[80px] items-baseline gap-3">{head}</p>}
    </article>
  );
}
