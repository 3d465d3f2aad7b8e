import { useMemo } from "react";
import { byName, counted, integer } from "../../lib/format";
import { causeWord, STATE_RANK, STATE_WORD, STATES } from "../../lib/state";
import { useTheme } from "../../lib/theme";
import type { Device } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import { Calm, NoDevices } from "./calm";
import { Mosaic } from "./mosaic";
import { nameGrid } from "./name-grid";
import { NamedFleet, type SiteGroup } from "./named-fleet";
import { deviceTone, TONES } from "../alerts/tone";
import { SIGN_TEXT } from "./incident-tone";
import { useBox } from "./use-box";
import type { WallRows } from "./use-wall-rows";
import { WallLine } from "./wall-line";
import { WallList } from "./wall-list";

interface Props {
  rows: WallRows;
  isMixed: boolean;
}

/** Every device in its place, under its site: by its name, or where they are too many for that as a shape. */
export function FleetView({ rows, isMixed }: Props) {
  const { devices, counts, cared, sites, incidents } = rows;
  // By where they stand: a device keeps its place however it is.
  const placed = useMemo(
    () => devices.toSorted((a, b) =>
      byName(a.tenant.name, b.tenant.name) || byName(a.site.name, b.site.name) || byName(a.site.id, b.site.id) || byName(a.name, b.name)),
    [devices],
  );
  const groups = useMemo(() => groupsOf(placed, isMixed), [placed, isMixed]);
  const [ref, box] = useBox<HTMLDivElement>();
  const grid = useMemo(() => nameGrid(groups.map((one) => one.devices.length), box), [groups, box]);
  if (placed.length === 0) return <NoDevices />;
  if (counts.up === placed.length && incidents.length === 0 && placed.length <= 1) return <Calm devices={placed.length} sites={sites.length} />;
  return (
    <div ref={ref} className="flex min-h-0 flex-1 flex-col">
      {box.em > 0 && (grid
        ? <NamedFleet groups={groups} grid={grid} height={box.height} cared={cared} />
        : <Shapes rows={rows} isMixed={isMixed} placed={placed} />)}
    </div>
  );
}

function groupsOf(placed: readonly Device[], isMixed: boolean): SiteGroup[] {
  const groups: (SiteGroup & { devices: Device[] })[] = [];
  for (const device of placed) {
    const { site, tenant } = device;
    const last = groups.at(-1);
    if (last?.key === site.id) last.devices.push(device);
    else groups.push({ key: site.id, site: site.name, tenant: isMixed ? tenant.name : null, devices: [device] });
  }
  return groups;
}

/** A shape for each, and beside them the names of those that are not up. */
function Shapes({ rows: { counts, cared }, isMixed, placed }: Props & { placed: readonly Device[] }) {
  const theme = useTheme();
  const named = useMemo(() => {
    const rank = (one: Device) => TONES.indexOf(deviceTone(one, cared)) * STATES.length + STATE_RANK[one.state];
    return placed.filter(({ state }) => state !== "up").toSorted((a, b) => rank(a) - rank(b));
  }, [placed, cared]);
  const inWords = STATES.filter((state) => counts[state] > 0).map((state) => ({ state, word: `${integer(counts[state])} ${STATE_WORD[state].toLowerCase()}` }));
  return (
    <div className={`grid min-h-0 flex-1 gap-[1em] ${
      named.length > 0 ? "landscape:grid-cols-[minmax(0,1fr)_25em] portrait:grid-rows-[minmax(0,1fr)_minmax(0,1fr)]" : ""}`}>
      <div className="flex min-h-0 min-w-0 flex-col gap-[.5em]">
        {/* The canvas reads the colours of the theme when it is drawn. */}
        <Mosaic key={theme} cells={placed.map((one) => ({ state: one.state, tone: deviceTone(one, cared) }))}
          label={`${counted(placed.length, "device")}: ${inWords.map(({ word }) => word).join(", ")}`} />
        <ul className="flex shrink-0 flex-wrap justify-center gap-x-[1.4em] text-[1.4em]">
          {inWords.map(({ state, word }) => (
            <li key={state} className="flex items-center gap-[.4em]">
              <span className="[&>svg]:size-[.8em]"><StateShape state={state} colour="text-muted" /></span>{word}
            </li>
          ))}
        </ul>
      </div>
      {named.length > 0 && (
        <WallList label="Not up" rows={named} renderLine={(one) => {
          const tone = deviceTone(one, cared);
          return (
            <WallLine key={one.id} tone={tone} shape={<StateShape state={one.state} colour={SIGN_TEXT[tone]} />} title={one.name}
              notes={[STATE_WORD[one.state], one.site.name, isMixed ? one.tenant.name : null, causeWord(one.cause)]} />
          );
        }} />
      )}
    </div>
  );
}
