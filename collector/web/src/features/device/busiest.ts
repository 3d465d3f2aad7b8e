/** Which ports of a device carry most. */
import type { Interface } from "../../lib/types";

const LOOPBACK = 24;
/**
 * ifTypes (IANAifType-MIB) of ports that carry what others carry too: other, softwareLoopback, propVirtual, tunnel, l2vlan,
 * l3ipvlan, ieee8023adLag, bridge. Kept like `VIRTUAL_TYPES` of the collector's live/device.rs, which leaves them out of totals.
 */
const VIRTUAL: ReadonlySet<number> = new Set([1, LOOPBACK, 53, 131, 135, 136, 161, 209]);

const isTold = (row: Interface) => row.in_bps !== null || row.out_bps !== null;

/** All but loopbacks; where there is nothing else, those. */
function outward(rows: readonly Interface[]): readonly Interface[] {
  const others = rows.filter(({ kind }) => kind !== LOOPBACK);
  return others.length > 0 ? others : rows;
}

/** Those with traffic of their own; where they tell of none and others do, all. */
function carriers(rows: readonly Interface[]): readonly Interface[] {
  const own = rows.filter(({ kind }) => !VIRTUAL.has(kind));
  return own.some(isTold) || (own.length > 0 && !rows.some(isTold)) ? own : rows;
}

/** What a port carries both ways. */
const load = (row: Interface) => (row.in_bps ?? 0) + (row.out_bps ?? 0);

/** Those that are up, the one that carries most first. */
export function busiestPorts(rows: readonly Interface[], count: number): readonly Interface[] {
  // What is down tells of no traffic, and hides nobody's who carries it.
  const up = outward(rows).filter(({ state }) => state === "up");
  return carriers(up).toSorted((a, b) => load(b) - load(a)).slice(0, count);
}

/** The same without those that carry nothing. */
export function busyOnes(rows: readonly Interface[], count: number): readonly Interface[] {
  return busiestPorts(rows, count).filter((row) => load(row) > 0);
}

/** The port worth a first look: the one that carries most, or the first where none is up. */
export function busiest(rows: readonly Interface[]): Interface | undefined {
  return busiestPorts(rows, 1)[0] ?? carriers(outward(rows))[0];
}
