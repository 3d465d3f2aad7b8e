import { causeWord, STATE_WORD } from "../../lib/state";
import type { Device } from "../../lib/types";
import { StateShape } from "../../ui/state-badge";
import type { NameGrid } from "./name-grid";
import { deviceTone } from "../alerts/tone";
import { SIGN_GROUND, SIGN_TEXT } from "./incident-tone";

/** Devices of one site, and what stands over them. */
export interface SiteGroup {
  key: string;
  site: string;
  /** Where several are in sight. */
  tenant: string | null;
  devices: readonly Device[];
}

interface Props {
  groups: readonly SiteGroup[];
  grid: NameGrid;
  /** The whole height in pixels. */
  height: number;
  cared: ReadonlySet<string>;
}

/** Every device by its name under its site, while there is room for that. */
export function NamedFleet({ groups, grid: { columns, tile, head, scale, isTall }, height, cared }: Props) {
  const high = tile * height;
  return (
    <div className="flex h-full gap-[.3em]">
      {columns.map((parts) => (
        <div key={`${parts[0]?.group} ${parts[0]?.from} ${scale}`} className="min-w-0 flex-1">
          {parts.map(({ group, from, to }) => {
            const one = groups[group];
            if (!one) return null;
            return (
              <section key={one.key} aria-label={one.site}>
                {from === 0 && (
                  <h2 style={{ height: head * height }} className="flex items-end pb-[.2em] leading-[1.2]">
                    <span className="clip" style={{ fontSize: `${Math.max(1, 0.75 * scale)}em` }}>
                      <span className="font-semibold">{one.site}</span>
                      {one.tenant && <span className="text-muted"> · {one.tenant}</span>}
                    </span>
                  </h2>
                )}
                <ul>
                  {one.devices.slice(from, to).map((device) => (
                    <li key={device.id} style={{ height: high, fontSize: `${scale}em` }} className="pb-[.15em]">
                      <Tile device={device} tone={deviceTone(device, cared)} isTall={isTall} />
                    </li>
                  ))}
                </ul>
              </section>
            );
          })}
        </div>
      ))}
    </div>
  );
}

function Tile({ device: { name, state, cause }, tone, isTall }: { device: Device; tone: ReturnType<typeof deviceTone>; isTall: boolean }) {
  const words = [STATE_WORD[state], state === "up" ? null : causeWord(cause)].filter(Boolean).join(" · ");
  return (
    <div data-wall-device={state} data-tone={tone} className="flex h-full overflow-hidden rounded-[.2em] bg-surface leading-[1.25]">
      <span className={`grid shrink-0 ${isTall ? "w-[1.8em]" : "w-[1.4em]"} place-items-center [&>svg]:size-[.9em] ${SIGN_GROUND[tone]}`}>
        <StateShape state={state} colour={SIGN_TEXT[tone]} />
      </span>
      <span className="min-w-0 flex-1 self-center px-[.35em]">
        <span className={`clip block ${tone === "alarm" || tone === "warn" ? "font-semibold" : ""}`}>{name}</span>
        <span className={isTall ? "clip block text-muted" : "sr-only"}>{words}</span>
      </span>
    </div>
  );
}
