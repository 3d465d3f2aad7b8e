import { useMemo } from "react";
import { byName, counted, integer } from "../../lib/format";
import { STATE_WORD, STATES } from "../../lib/state";
import type { Device } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { type SiteStatus } from "../sites/rollup";
import { NoDevices } from "./calm";
import { fullGrid, tileGrid } from "./fit";
import { deviceTone, TONES, worstState } from "../alerts/tone";
import { SIGN_GROUND, SIGN_TEXT } from "./incident-tone";
import { useBox } from "./use-box";
import type { WallRows } from "./use-wall-rows";

const GAP_EM = 0.25;
/** With a line for how it stands, and where there are too many for that, without. */
const TALL = { width: 8, height: 2.9 };
const FLAT = { width: 5, height: 1.38 };
const ASPECT = 2.6;
/** So much larger than at the least their text may be where there are few. */
const SCALE_MAX = 3.2;
/** The line with the name of a tenant, and that with the devices that are not up, once the text is so much larger. */
const TENANT_EM = 1.2;
const NAMES_EM = 1.3;
const NAMES_SCALE = 1.2;

interface Tile extends SiteStatus {
  /** Of devices that are not up, the loudest first. */
  names: readonly string[];
}

/** Every site by how it stands: the worst first, else in the order of their names, so that each keeps its place. */
export function SitesView({ rows: { devices, sites, cared }, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const tiles = useMemo(() => {
    const bySite = new Map<string, Device[]>();
    for (const device of devices) {
      const own = bySite.get(device.site.id);
      if (own) own.push(device);
      else bySite.set(device.site.id, [device]);
    }
    const all = sites.map((site): Tile => {
      const own = (bySite.get(site.id) ?? []).map((device) => ({ device, tone: deviceTone(device, cared) }));
      const bad = own.filter(({ device }) => device.state !== "up").toSorted((a, b) =>
        TONES.indexOf(a.tone) - TONES.indexOf(b.tone) || byName(a.device.name, b.device.name));
      return { ...site, names: bad.map(({ device }) => device.name) };
    });
    return all.toSorted((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone) || byName(a.tenant.name, b.tenant.name) || byName(a.name, b.name));
  }, [devices, sites, cared]);
  const [ref, { width, height, em }] = useBox<HTMLUListElement>();
  if (tiles.length === 0) return <NoDevices />;
  const room = { width, height, gap: GAP_EM * em, count: tiles.length, aspect: ASPECT };
  const scaled = (least: typeof TALL) => ({ width: least.width * em, height: least.height * em });
  const least = isMixed ? { ...TALL, height: TALL.height + TENANT_EM } : TALL;
  const tall = em > 0 ? tileGrid({ ...room, least: scaled(least) }) : null;
  const flat = tall ? null : em > 0 ? tileGrid({ ...room, least: scaled(FLAT), aspect: 2 * ASPECT }) : null;
  const grid = tall ?? flat ?? fullGrid({ ...room, least: scaled(FLAT) });
  const places = grid.columns * grid.rows;
  const shown = em === 0 ? [] : tiles.length <= places ? tiles : tiles.slice(0, places - 1);
  const roomFor = (high: number) => (em > 0 ? Math.min(width / grid.columns / least.width, height / grid.rows / high) * 0.85 / em : 1);
  const hasNames = tall !== null && roomFor(least.height + NAMES_EM) >= NAMES_SCALE;
  const scale = tall ? Math.min(SCALE_MAX, Math.max(1, roomFor(least.height + (hasNames ? NAMES_EM : 0)))) : 1;
  return (
    <ul ref={ref} aria-label="Sites" className="grid min-h-0 flex-1 gap-[.25em] overflow-hidden"
      style={{ gridTemplateColumns: `repeat(${grid.columns}, minmax(0, 1fr))`, gridTemplateRows: `repeat(${grid.rows}, minmax(0, 1fr))` }}>
      {shown.map((tile) => <SiteTile key={`${tile.id} ${scale}`} tile={tile} scale={scale} isTall={tall !== null} isMixed={isMixed} hasNames={hasNames} />)}
      {shown.length < tiles.length && em > 0 && (
        <li className="grid place-items-center text-muted">and {integer(tiles.length - shown.length)} more</li>
      )}
    </ul>
  );
}

interface TileProps {
  tile: Tile;
  scale: number;
  isTall: boolean;
  isMixed: boolean;
  hasNames: boolean;
}

function SiteTile({ tile: { name, tenant, devices, counts, tone, names }, scale, isTall, isMixed, hasNames }: TileProps) {
  const state = worstState(counts);
  const words = state === "up"
    ? `${counted(devices, "device")} up`
    : STATES.filter((one) => one !== "up" && counts[one] > 0).map((one) => `${integer(counts[one])} ${STATE_WORD[one].toLowerCase()}`).join(", ");
  return (
    <li data-wall-site={state} data-tone={tone} style={{ fontSize: `${scale}em` }}
      className="flex min-w-0 overflow-hidden rounded-[.3em] border-[.06em] border-line bg-surface leading-[1.25]">
      <span className={`grid shrink-0 place-items-center [&>svg]:size-[.9em] ${isTall ? "w-[1.9em]" : "w-[1.3em]"} ${SIGN_GROUND[tone]}`}>
        <StateShape state={state} colour={SIGN_TEXT[tone]} />
      </span>
      <span className={`flex min-w-0 flex-1 flex-col justify-center ${isTall ? "px-[.4em]" : "px-[.2em]"}`}>
        <span className={`clip ${tone === "calm" || tone === "muted" ? "" : "font-semibold"}`}>{name}</span>
        {isTall && isMixed && <span className="clip text-muted">{tenant.name}</span>}
        <span className={isTall ? `clip ${tone === "calm" || tone === "muted" ? "text-muted" : ""}` : "sr-only"}>{words}</span>
        {hasNames && names.length > 0 && <span className="clip text-muted">{names.join(", ")}</span>}
      </span>
    </li>
  );
}
