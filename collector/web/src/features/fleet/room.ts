/** How much room the texts of the fleet need, and which of its columns tell anything. */
import { shortModel } from "../../lib/format";
import { causeWord, shownState, stateWord } from "../../lib/state";
import type { Device } from "../../lib/types";

/** Fonts differ in how wide their colons are. */
const SLACK = 0.5;
/** The mean of letters, in the width of a digit. */
const LETTER = 0.88;
/** Names are set a little bolder. */
const BOLD = 0.94;

/** From here on an address is longer than those of IPv4 with a port. */
export const LONG = 20;
/** Longer ones are cut: a sysDescr may be a story, a host name may have 253 letters. */
const MOST = { state: 36, name: 36, tenant: 22, site: 22, address: 36, model: 30 } as const;

/** Of each text the longest, in the width of a digit. */
export interface Room extends Readonly<Record<keyof typeof MOST, number>> {
  /** Columns of which a device had a value. */
  told: ReadonlySet<string>;
}

export const NO_ROOM: Room = { state: 0, name: 0, tenant: 0, site: 0, address: 0, model: 0, told: new Set() };

/** Between colons and dots stand digits, and those are half as wide. */
export function addressRoom(address: string): number {
  const narrow = address.match(/[.:[\]]/g)?.length ?? 0;
  return address.length - narrow / 2 + SLACK;
}

const NARROW = /[ fijlrt]/;
const BROAD = /[mw]/;

/** Of few words no mean of letters holds; of the words of a state the last are the cause, which must not be cut. */
export function wordRoom(words: string): number {
  const letter = (one: string) => (NARROW.test(one) ? 0.6 : BROAD.test(one) ? 1.5 : one === one.toLowerCase() ? 1 : 1.3);
  return [...words].reduce((sum, one) => sum + letter(one), SLACK);
}

/** Names are cut where their room ends: a single long one must not push a column away. */
function isName(address: string): boolean {
  return !/^[\d.:]+$|:.*:/.test(address);
}

/** Columns that stand empty where no device tells of them. */
const VALUES: Readonly<Record<string, (device: Device) => unknown>> = {
  model: ({ model }) => model, interfaces: ({ interfaces_total: total }) => total || null, in: ({ in_bps: bps }) => bps,
  out: ({ out_bps: bps }) => bps, rtt: ({ rtt_ms: ms }) => ms, loss: ({ icmp }) => icmp?.loss_percent,
  cpu: ({ cpu_percent: share }) => share, uptime: ({ uptime_s: seconds }) => seconds,
};

/** Columns that are never empty, or say by that what is wrong. */
export function isAlways(column: string): boolean {
  return !(column in VALUES);
}

function toldBy(devices: readonly Device[], before: ReadonlySet<string>): ReadonlySet<string> {
  const fresh = Object.entries(VALUES).filter(([id, read]) => !before.has(id) && devices.some((device) => (read(device) ?? null) !== null));
  return fresh.length === 0 ? before : new Set([...before, ...fresh.map(([id]) => id)]);
}

/** What all of them need, and no less than `before`: columns that come and go by turns help nobody. */
export function roomOf(devices: readonly Device[], called: (device: Device) => string, before: Room, nowMs: number): Room {
  const need: Record<keyof typeof MOST, number> = { ...before };
  const take = (text: keyof typeof MOST, room: number) => {
    if (room > need[text]) need[text] = Math.min(room, MOST[text]);
  };
  for (const device of devices) {
    const shown = shownState(device, nowMs);
    const room = addressRoom(device.address);
    const tags = device.tags.length > 0 ? device.tags.join(" · ").length + 1 : 0;
    take("address", isName(device.address) ? Math.min(room, LONG) : room);
    take("name", called(device).length * BOLD + SLACK + tags * LETTER);
    take("tenant", device.tenant.name.length * LETTER + SLACK);
    take("site", device.site.name.length * LETTER + SLACK);
    take("model", shortModel(device.model).length * LETTER + SLACK);
    take("state", wordRoom(`${stateWord(shown.state, shown.cause)}${causeWord(shown.cause) ?? ""}`));
  }
  const told = toldBy(devices, before.told);
  const isSame = told === before.told && (Object.keys(MOST) as (keyof typeof MOST)[]).every((text) => need[text] === before[text]);
  return isSame ? before : { ...need, told };
}
