/** Which ports of a device carry most. */
import type { Interface } from "../../lib/types";

const LOOPBACK = 24;
/**
 * ifTypes (IANAifType-MIB) of ports that carry what others carry too; the server leaves the same out of a device's totals: other,
 * softwareLoopback, propVirtual, tunnel, l2vlan, l3ipvlan, ieee8023adLag, bridge.
 */
const VIRTUAL: ReadonlySet<number> = new Set([1, LOOPBACK, 53, 131, 135, 136, 161, 209]);

const isTold = (row: Interface) => row.in_bps !== null || row.out_bps !== null;

/** Those with traffic of their own; where they tell of none, those that are no loopback; where there are no others, all. */
function carriers(rows: readonly Interface[]): readonly Interface[] {
  const choices = [rows.filter(({ kind }) => !VIRTUAL.has(kind)), rows.filter(({ kind }) => kind !== LOOPBACK), rows];
  return choices.find((some) => some.some(isTold)) ?? choices.find((some) => some.length > 0) ?? rows;
}

/** What a port carries both ways; one that is not up carries nothing. */
const load = (row: Interface) => (row.state === "up" ? (row.in_bps ?? 0) + (row.out_bps ?? 0) : -1);

/** Those that are up, the one that carries most first. */
export function busiestPorts(rows: readonly Interface[], count: number): readonly Interface[] {
  return carriers(rows).filter(({ state }) => state === "up").toSorted((a, b) => load(b) - load(a)).slice(0, count);
}

/** The same without those that carry nothing. */
export function busyOnes(rows: readonly Interface[], count: number): readonly Interface[] {
  return busiestPorts(rows, count).filter((row) => load(row) > 0);
}

/** The port worth a first look: the one that carries most, or the first where none is up. */
export function busiest(rows: readonly Interface[]): Interface | undefined {
  return busiestPorts(rows, 1)[0] ?? carriers(rows)[0];
}
