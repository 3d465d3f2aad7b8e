import { useMemo, useRef } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime, reading } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { Chart } from "./chart";
import { Key, LAYER, type Pointer, PointerLayer } from "./chart-readout";
import { type ChartData, type ChartSpec, figuresIn } from "./metrics";

interface Props {
  spec: ChartSpec;
  data: ChartData;
  from: number;
  to: number;
  gapS: number;
  live: boolean;
  asTable: boolean;
  /** The data is still of another range. */
  isLate: boolean;
  onZoom: (fromMs: number, toMs: number) => void;
  onReset: () => void;
}

export function ChartCard(props: Props) {
  const { spec, data, from, to, gapS, live, asTable, isLate } = props;
  const known = useMemo(
    () => data.values.reduce((sum, column) => sum + column.filter((v) => typeof v === "number").length, 0),
    [data],
  );
  const pointer = useRef<Pointer>(null);
  const figures = useMemo(() => figuresIn(data, from / 1000, to / 1000), [data, from, to]);
  const isEmpty = !isLate && figures.every(({ last }) => last === null);
  // One digit per line: rendered anew only when a value turns too old to be called the present one.
  const old = useEachSecond(() =>
    figures.map(({ at }) => (live && serverNow() / 1000 - at > gapS ? "1" : "0")).join(""),
  );
  const legend = figures.map(({ last, peak }, i) => ({
    last: reading(old[i] === "1" ? null : last, spec.unit),
    peak: reading(peak, spec.unit),
  }));
  const words = spec.lines
    .map((line, i) => `${line.label} ${legend[i]?.last}, peak ${legend[i]?.peak}`)
    .join("; ");
  return (
    <figure
      className="m-0 min-w-0"
      aria-label={`${spec.title}. ${words}`}
      data-chart={spec.id}
      data-points={known}
      data-from={Math.round(from)}
      data-to={Math.round(to)}
    >
      <figcaption className="group/caption grid px-1 pb-1">
        <div className={`${LAYER} group-data-pointed/caption:invisible`}>
          <h3 className="font-medium">{spec.title}</h3>
          {spec.lines.map((line, i) => (
            <Key key={line.label} line={line}>
              <span className="text-text">{legend[i]?.last}</span>
              <span className="phone:hidden">peak {legend[i]?.peak}</span>
            </Key>
          ))}
        </div>
        <PointerLayer spec={spec} ref={pointer} />
      </figcaption>
      <div className="relative">
        {asTable ? (
          <DataTable spec={spec} data={data} />
        ) : (
          <Chart {...props} onCursor={(at) => pointer.current?.show(at)} />
        )}
        {isEmpty && (
          <p className="pointer-events-none absolute inset-0 grid place-items-center text-muted">
            No data in this range
          </p>
        )}
      </div>
    </figure>
  );
}

/** Newest rows of the same data, for reading and for screen readers. */
const TABLE_ROWS = 200;

function DataTable({ spec, data }: { spec: ChartSpec; data: ChartData }) {
  const rows = data.times
    .map((t, i) => ({ t, cells: data.values.map((column) => column[i]) }))
    .slice(-TABLE_ROWS)
    .toReversed();
  return (
    <section
      className="max-h-[168px] min-h-20 overflow-auto rounded-md border border-line"
      // A scroll area must be reachable by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      aria-label={`${spec.title} as a table`}
    >
      <table className="w-full border-collapse text-xs">
        <thead className="sticky top-0 bg-surface text-muted">
          <tr>
            <th scope="col" className="px-2 py-1 text-left font-normal">Time</th>
            {spec.lines.map((line) => (
              <th key={line.label} scope="col" className="num px-2 py-1 font-normal">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.t} className="border-t border-line">
              <td className="px-2 py-0.5 whitespace-nowrap">{dateTime(row.t * 1000)}</td>
              {row.cells.map((value, i) => (
                // The order of the lines is fixed.
                // oxlint-disable-next-line react/no-array-index-key
                <td key={i} className="num px-2 py-0.5">{value === null ? "gap" : value === undefined ? "" : reading(value, spec.unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
