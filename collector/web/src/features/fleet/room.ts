/** How much room the longest texts of the fleet need: what is long makes its column wide. */
import { shortModel } from "../../lib/format";
import { causeWord, shownState, stateWord } from "../../lib/state";
import type { Device } from "../../lib/types";

/** Fonts differ in how wide their colons are. */
const SLACK = 0.5;

/** In the width of a digit; between colons and dots stand digits, and those are half as wide. */
export function addressRoom(address: string): number {
  const narrow = address.match(/[.:[\]]/g)?.length ?? 0;
  return address.length - narrow / 2 + SLACK;
}

/** From here on an address is longer than those of IPv4 with a port. */
const LONG = 20;
/** That of IPv6 in its full length. What is longer is cut: a host name may have 253 letters. */
const ADDRESS_MAX = 36;
const STATE_MAX = 36;
/** Longer models are cut: a sysDescr may be a story. */
const MODEL_MAX = 30;
/** Box, shape and gaps beside the words of a state. */
const STATE_PX = 58;
/** The mean of letters, in the width of a digit. */
const LETTER = 0.88;

export interface Room {
  address: number;
  state: number;
  model: number;
}

/** Names are cut where their room ends: a single long one must not push a column away. */
function isName(address: string): boolean {
  return !/^[\d.:]+$|:.*:/.test(address);
}

/** What all of them need, and no less than `before`: columns that grow and shrink by turns help nobody. */
export function roomOf(devices: readonly Device[], before: Room, nowMs: number): Room {
  let { address, state, model } = before;
  for (const device of devices) {
    const shown = shownState(device, nowMs);
    const room = addressRoom(device.address);
    address = Math.max(address, isName(device.address) ? Math.min(room, LONG) : room);
    model = Math.max(model, shortModel(device.model).length);
    state = Math.max(state, `${stateWord(shown.state, shown.cause)}${causeWord(shown.cause) ?? ""}`.length);
  }
  address = Math.min(address, ADDRESS_MAX);
  state = Math.min(state, STATE_MAX);
  model = Math.min(model, MODEL_MAX);
  return address === before.address && state === before.state && model === before.model ? before : { address, state, model };
}

export function roomStyle({ address, state, model }: Room): Record<string, string> {
  return {
    "--address-room": `${address}ch`, "--state-room": `calc(${(state * LETTER).toFixed(1)}ch + ${STATE_PX}px)`,
    "--model-room": `${(model * LETTER + SLACK).toFixed(1)}ch`,
  };
}

export function isLong({ address }: Room): boolean {
  return address > LONG;
}
