import { type ChartSpec, valueWords } from "./chart-data";
import { useZoneWords } from "./chart-scope";
import type { ChartColumn, ChartRow } from "./rows";

/** More of them are for the file. */
const ROWS_MAX = 1000;

/** The same data for reading and for screen readers, the newest first. */
export function ChartTable({ spec, columns, rows }: { spec: ChartSpec; columns: readonly ChartColumn[]; rows: readonly ChartRow[] }) {
  const { dateTime, name } = useZoneWords();
  const shown = rows.slice(-ROWS_MAX).toReversed();
  return (
    <section
      className="max-h-[300px] min-h-20 overflow-auto rounded-md border border-line print:max-h-none"
      // A scroll area must be reachable by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label={`${spec.title} as a table`}
    >
      <table className="w-full border-collapse text-xs">
        <thead className="sticky top-0 bg-surface text-muted">
          <tr>
            <th scope="col" className="px-2 py-1 text-left font-normal">Time, {name}</th>
            {columns.map(({ title }) => <th key={title} scope="col" className="num px-2 py-1 font-normal">{title}</th>)}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={row.t} className="border-t border-line" data-at={row.t}>
              <td className="px-2 py-0.5 whitespace-nowrap">{dateTime(row.t * 1000)}</td>
              {row.cells.map((value, i) => (
                <td key={columns[i]?.title} className="num px-2 py-0.5" data-value={value ?? ""}>
                  {value === null ? "gap" : value === undefined ? "" : valueWords(value, spec)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS_MAX && <p className="px-2 py-1 text-xs text-muted">The newest {ROWS_MAX} of {rows.length} rows; the file has all of them.</p>}
    </section>
  );
}
