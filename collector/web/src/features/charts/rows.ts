/** The points of a chart as rows: one source of its table and of its file. */
import { writeCsv } from "../../lib/csv";
import { rfc3339, type Zone } from "../../lib/zone";
import type { ChartData, ChartSpec } from "./chart-data";
import { COMPARE_WORD, type Compare } from "./compare";

type Cell = number | null | undefined;

export interface ChartRow {
  /** Seconds. */
  t: number;
  /** In the order of `columnsOf`; null is a gap, undefined that nothing was asked then. */
  cells: Cell[];
}

export interface ChartColumn {
  title: string;
  unit: string;
}

/** Of each line its value, its least and greatest where points join several samples, and what was before. */
export function columnsOf(spec: ChartSpec, data: ChartData, compare: Compare | null): ChartColumn[] {
  return spec.lines.flatMap(({ label }) => {
    const column = (title: string): ChartColumn => ({ title, unit: spec.unit });
    return [
      column(label),
      ...(data.bands ? [column(`${label}, least`), column(`${label}, most`)] : []),
      ...(data.before && compare ? [column(`${label}, ${COMPARE_WORD[compare]}`)] : []),
    ];
  });
}

/** The value nearest to a time, of those not further than `gapS`. */
function nearest(times: readonly number[], column: readonly Cell[], at: number, gapS: number): Cell {
  for (let off = 0; off < times.length; off += 1) {
    const [left, right] = [at - off, at + off];
    const [a, b] = [times[left], times[right]];
    const here = times[at] ?? 0;
    if ((a === undefined || here - a > gapS) && (b === undefined || b - here > gapS)) return undefined;
    if (a !== undefined && here - a <= gapS && column[left] !== undefined) return column[left];
    if (b !== undefined && b - here <= gapS && column[right] !== undefined) return column[right];
  }
  return undefined;
}

/** The oldest first, from one second to the other. What was before stands beside the point that it is nearest to. */
export function rowsOf(data: ChartData, { from, to, gapS }: { from: number; to: number; gapS: number }): ChartRow[] {
  const told = data.times.map((_, i) => data.values.some((column) => column[i] !== undefined));
  // Where nothing is known of this time at all, the points of the time before are the rows.
  const isBare = !told.includes(true);
  return data.times.flatMap((t, i) => {
    if (t < from || t > to || !(isBare || told[i])) return [];
    const cells = data.values.flatMap((column, line) => [
      column[i],
      ...(data.bands ? [data.bands[line]?.min[i], data.bands[line]?.max[i]] : []),
      ...(data.before ? [nearest(data.times, data.before[line] ?? [], i, gapS)] : []),
    ]);
    return [{ t, cells }];
  });
}

export function csv(columns: readonly ChartColumn[], rows: readonly ChartRow[], zone: Zone): string {
  const head = ["Time", ...columns.map(({ title, unit }) => (unit ? `${title} (${unit})` : title))];
  const lines = rows.map(({ t, cells }) => [rfc3339(t * 1000, zone), ...cells.map((cell) => (typeof cell === "number" ? String(cell) : ""))]);
  return writeCsv([head, ...lines]);
}

/** «core-1 ether1 traffic 2026-11-22T14-00-00Z 2026-11-22T15-00-00Z.csv»; what a file cannot be called is left to who saves it. */
export function fileName(of: readonly string[], from: number, to: number): string {
  const stamp = (seconds: number) => rfc3339(Math.round(seconds) * 1000, "utc").replaceAll(":", "-");
  return `${[...of.filter(Boolean), stamp(from), stamp(to)].join(" ")}.csv`;
}
