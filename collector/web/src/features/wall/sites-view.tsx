import { useMemo } from "react";
import { byName, counted, integer } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import { StateShape } from "../../ui/state-badge";
import { type SiteStatus } from "../sites/rollup";
import { NoDevices } from "./calm";
import { fullGrid, tileGrid } from "./fit";
import { type Tone, TONE_TEXT, TONES, worstState } from "./tone";
import { useBox } from "./use-box";
import type { WallRows } from "./use-wall-rows";

const GAP_EM = 0.25;
/** With a line for how it stands, and where there are too many for that, without. */
const TALL = { width: 8, height: 2.9 };
const FLAT = { width: 5, height: 1.38 };
const ASPECT = 2.6;
/** So much larger than at the least their text may be, and a tile, where there are few. */
const SCALE_MAX = 1.8;
const MOST = { width: "24em", height: "9em" };

/** Every site by how it stands: the worst first, else in the order of their names, so that each keeps its place. */
export function SitesView({ rows: { sites }, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const tiles = useMemo(
    () => sites.toSorted((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone) || byName(a.tenant.name, b.tenant.name) || byName(a.name, b.name)),
    [sites],
  );
  const [ref, { width, height, em }] = useBox<HTMLUListElement>();
  if (tiles.length === 0) return <NoDevices />;
  const room = { width, height, gap: GAP_EM * em, count: tiles.length, aspect: ASPECT };
  const scaled = (least: typeof TALL) => ({ width: least.width * em, height: least.height * em });
  const least = isMixed ? { ...TALL, height: 4.1 } : TALL;
  const tall = em > 0 ? tileGrid({ ...room, least: scaled(least) }) : null;
  const flat = tall ? null : em > 0 ? tileGrid({ ...room, least: scaled(FLAT), aspect: 2 * ASPECT }) : null;
  const grid = tall ?? flat ?? fullGrid({ ...room, least: scaled(FLAT) });
  const places = grid.columns * grid.rows;
  const shown = em === 0 ? [] : tiles.length <= places ? tiles : tiles.slice(0, places - 1);
  const roomier = Math.min(width / grid.columns / least.width, height / grid.rows / least.height) / em;
  const scale = tall && em > 0 ? Math.min(SCALE_MAX, Math.max(1, roomier * 0.85)) : 1;
  const lines = (count: number, most: string) => `repeat(${count}, minmax(0, ${count > 2 ? "1fr" : most}))`;
  return (
    <ul ref={ref} aria-label="Sites" className="grid min-h-0 flex-1 gap-[.25em] overflow-hidden"
      style={{ gridTemplateColumns: lines(grid.columns, MOST.width), gridTemplateRows: lines(grid.rows, MOST.height) }}>
      {shown.map((tile) => <SiteTile key={tile.id} tile={tile} scale={scale} isTall={tall !== null} isMixed={isMixed} />)}
      {shown.length < tiles.length && em > 0 && (
        <li className="grid place-items-center text-muted">and {integer(tiles.length - shown.length)} more</li>
      )}
    </ul>
  );
}

const EDGE: Readonly<Record<Tone, string>> = {
  alarm: "border-down bg-down-soft", warn: "border-degraded bg-degraded-soft", muted: "border-edge bg-surface", calm: "border-line bg-surface",
};

function SiteTile({ tile: { name, tenant, devices, counts, tone }, scale, isTall, isMixed }: {
  tile: SiteStatus; scale: number; isTall: boolean; isMixed: boolean;
}) {
  const state = worstState(counts);
  const words = state === "up"
    ? `${counted(devices, "device")} up`
    : STATES.filter((one) => one !== "up" && counts[one] > 0).map((one) => `${integer(counts[one])} ${STATE_WORD[one].toLowerCase()}`).join(", ");
  return (
    <li data-wall-site={state} data-tone={tone} style={{ fontSize: `${scale}em` }}
      className={`flex min-w-0 flex-col justify-center overflow-hidden rounded-[.3em] border-[.06em] ${isTall ? "px-[.5em]" : "px-[.25em]"} leading-[1.25] ${EDGE[tone]}`}>
      <span className="flex min-w-0 items-center gap-[.4em]">
        <span className="[&>svg]:size-[.9em]"><StateShape state={state} colour={TONE_TEXT[tone]} /></span>
        <span className={`clip ${tone === "calm" || tone === "muted" ? "" : "font-semibold"}`}>{name}</span>
      </span>
      {isTall && isMixed && <span className="clip text-muted">{tenant.name}</span>}
      <span className={isTall ? `clip ${tone === "calm" ? "text-muted" : TONE_TEXT[tone]}` : "sr-only"}>{words}</span>
    </li>
  );
}
