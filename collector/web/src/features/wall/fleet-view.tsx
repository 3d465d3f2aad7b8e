import { useLayoutEffect, useMemo, useRef } from "react";
import { byName, counted } from "../../lib/format";
import { causeWord, STATE_RANK, STATE_WORD, STATES } from "../../lib/state";
import { useTheme } from "../../lib/theme";
import type { Device } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { Calm, NoDevices } from "./calm";
import { squares } from "./fit";
import { type Cell, drawMosaic, wordOf } from "./mosaic-draw";
import { deviceTone, TONE_TEXT, TONES } from "./tone";
import { useBox } from "./use-box";
import type { WallRows } from "./use-wall-rows";
import { WallLine } from "./wall-line";
import { WallList } from "./wall-list";

/** The largest cell, in em. */
const CELL_EM = 5;

/** Every device as a shape in its place, and the names of those that are not up. */
export function FleetView({ rows: { devices, counts, cared, sites, incidents }, isMixed }: { rows: WallRows; isMixed: boolean }) {
  const theme = useTheme();
  // By where they stand: a device keeps its place however it is.
  const placed = useMemo(
    () => devices.toSorted((a, b) => byName(a.tenant.name, b.tenant.name) || byName(a.site.name, b.site.name) || byName(a.name, b.name)),
    [devices],
  );
  const named = useMemo(() => {
    const rank = (one: Device) => TONES.indexOf(deviceTone(one, cared)) * STATES.length + STATE_RANK[one.state];
    return placed.filter(({ state }) => state !== "up").toSorted((a, b) => rank(a) - rank(b));
  }, [placed, cared]);
  if (placed.length === 0) return <NoDevices />;
  if (named.length === 0 && incidents.length === 0 && placed.length <= 1) return <Calm devices={placed.length} sites={sites.length} />;
  const words = STATES.map((state) => `${counts[state]} ${STATE_WORD[state].toLowerCase()}`).join(", ");
  return (
    <div className={`grid min-h-0 flex-1 gap-[1em] ${
      named.length > 0 ? "landscape:grid-cols-[minmax(0,1fr)_25em] portrait:grid-rows-[minmax(0,1fr)_minmax(0,1fr)]" : ""}`}>
      <div className="flex min-h-0 min-w-0 flex-col gap-[.5em]">
        {/* The canvas reads the colours of the theme when it is drawn. */}
        <Mosaic key={theme} cells={placed.map((one) => ({ state: one.state, tone: deviceTone(one, cared) }))}
          label={`${counted(placed.length, "device")}: ${words}`} />
        <ul className="flex shrink-0 flex-wrap gap-x-[1.4em] text-muted">
          {STATES.map((state) => (
            <li key={state} className="flex items-center gap-[.4em]">
              <span className="[&>svg]:size-[.8em]"><StateShape state={state} /></span>{counts[state]} {STATE_WORD[state].toLowerCase()}
            </li>
          ))}
        </ul>
      </div>
      {named.length > 0 && (
        <WallList label="Not up" rows={named} renderLine={(one) => {
          const tone = deviceTone(one, cared);
          return (
            <WallLine key={one.id} tone={tone} shape={<StateShape state={one.state} colour={TONE_TEXT[tone]} />} title={one.name}
              notes={[STATE_WORD[one.state], one.site.name, isMixed ? one.tenant.name : null, causeWord(one.cause)]} />
          );
        }} />
      )}
    </div>
  );
}

function Mosaic({ cells, label }: { cells: readonly Cell[]; label: string }) {
  const [ref, { width, height, em }] = useBox<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { columns, size } = squares(cells.length, width, height, CELL_EM * em);
  // Values of devices change every second, how they stand seldom: only that is drawn.
  const told = cells.map(wordOf).join();
  useLayoutEffect(() => {
    if (canvas.current && size > 0) drawMosaic(canvas.current, told, columns, size);
  }, [told, columns, size]);
  return (
    <div ref={ref} className="min-h-0 flex-1 overflow-hidden">
      <canvas ref={canvas} role="img" aria-label={label} data-wall-mosaic={cells.length}
        style={{ width: columns * size, height: Math.ceil(cells.length / columns) * size }} />
    </div>
  );
}
