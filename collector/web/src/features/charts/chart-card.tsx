import { type ReactNode, useMemo, useRef, useState } from "react";
import { serverNow } from "../../lib/clock";
import { isStop, reasonWords } from "../../lib/gap-words";
import { useEachSecond } from "../../lib/live-app";
import { saveText } from "../../lib/save-text";
import { Icon } from "../../ui/icon";
import { Chart } from "./chart";
import { type ChartData, type ChartSpec, type Figures, figuresIn, isCalm, valueWords } from "./chart-data";
import { ChartMarks } from "./chart-marks";
import { hatched, losses, lossWords } from "./gaps";
import type { Limit } from "./limits";
import { Key, LAYER, type Pointer, PointerLayer } from "./chart-readout";
import { useChartScope } from "./chart-scope";
import { ChartTable } from "./chart-table";
import { FlagStrip } from "./flag-strip";
import { columnsOf, csv, fileName, rowsOf } from "./rows";

export interface CardProps {
  spec: ChartSpec;
  data: ChartData;
  gapS: number;
  /** What the data is of, beside the device: the name of a port. */
  of: string;
  /** The data is still of another range. */
  isLate: boolean;
  limits?: readonly Limit[] | undefined;
  range?: readonly [number, number] | null | undefined;
}

/** What a legend says of each line: rendered anew only when a value turns too old to be called the present one. */
export function useLegend({ spec, data, gapS }: Pick<CardProps, "spec" | "data" | "gapS">, from: number, to: number, isLive: boolean) {
  const figures = useMemo(() => figuresIn(data, from / 1000, to / 1000), [data, from, to]);
  const old = useEachSecond(() =>
    figures.map(({ at }) => (isLive && serverNow() / 1000 - at > gapS ? "1" : "0")).join(""),
  );
  const legend = figures.map(({ last, peak }, i) => ({
    last: valueWords(old[i] === "1" ? null : last, spec),
    peak: spec.good === undefined ? `peak ${valueWords(peak, spec)}` : "",
  }));
  const calm = useMemo(() => spec.lines.map((line, i) => isCalm(line, data.values[i])), [spec, data]);
  const lost = useMemo(() => lossWords(losses(data.gaps, from / 1000, to / 1000)), [data, from, to]);
  const isStopped = useMemo(() => hatched(data.gaps, from / 1000, to / 1000).some(({ cause }) => isStop(cause)), [data, from, to]);
  const told = spec.lines.map((line, i) => [`${line.label} ${legend[i]?.last}`, legend[i]?.peak].filter(Boolean).join(", "));
  const words = [...told, ...(lost ? [`no data for a time: ${lost}`] : []), ...(isStopped ? [`for a time ${reasonWords("stopped")}`] : [])].join("; ");
  return { figures, legend, calm, lost, isStopped, words };
}

export function isBlank(figures: readonly Figures[], { before }: ChartData): boolean {
  return figures.every(({ last }) => last === null) && !before?.some((column) => column.some((value) => typeof value === "number"));
}

/** A chart with its caption: values, what the pointer reads, the same as a table and as a file. */
export function ChartCard({ spec, data, gapS, of, isLate, limits, range }: CardProps) {
  const { range: shared, asTable: allTables, events, device, name } = useChartScope();
  const { span, isLive, zone, compare } = shared;
  const [ownTable, setOwnTable] = useState<boolean | null>(null);
  const [seenAll, setSeenAll] = useState(allTables);
  // The switch of the page counts for all of them, also for one that was switched by itself before.
  if (seenAll !== allTables) {
    setSeenAll(allTables);
    setOwnTable(null);
  }
  const asTable = ownTable ?? allTables;
  const pointer = useRef<Pointer>(null);
  const { from, to } = span ?? { from: 0, to: 0 };
  const known = useMemo(() => data.values.reduce((sum, column) => sum + column.filter((v) => typeof v === "number").length, 0), [data]);
  const { figures, legend, calm, lost, isStopped, words } = useLegend({ spec, data, gapS }, from, to, isLive);
  const table = () => ({ columns: columnsOf(spec, data, compare), rows: rowsOf(data, { from: from / 1000, to: to / 1000, gapS }) });
  const save = () => {
    const { columns, rows } = table();
    saveText(csv(columns, rows, zone), fileName([name, of, spec.title], from / 1000, to / 1000), "text/csv");
  };
  return (
    <figure className="@container m-0 min-w-0 break-inside-avoid" aria-label={`${spec.title}. ${words}`} data-chart={spec.id} data-points={known}
      data-from={Math.round(from)} data-to={Math.round(to)} data-compared={data.before ? compare : undefined}>
      <div className="flex items-start gap-1 pb-1">
        <figcaption className="group/caption grid min-w-0 flex-1 px-1">
          <div className={`${LAYER} group-data-pointed/caption:invisible`}>
            <h3 className="font-medium">{spec.title}</h3>
            {spec.good !== undefined ? <span className="text-xs">{legend[0]?.last}</span> : spec.lines.map((line, i) => (
              <Key key={line.label} line={line} isCalm={calm[i]}>
                <span className="text-text">{legend[i]?.last}</span>
                <span className="hidden @min-[520px]:inline">{legend[i]?.peak}</span>
              </Key>
            ))}
            {lost && <HatchKey look="hatched" words={`no data: ${lost}`} />}
            {isStopped && <HatchKey look="hatched-stop" words={reasonWords("stopped")} />}
          </div>
          <PointerLayer spec={spec} calm={calm} ref={pointer} />
        </figcaption>
        <CardButton label={`${spec.title} as a table`} pressed={asTable} onClick={() => setOwnTable(!asTable)} data-own-table><Icon name="table" size={14} /></CardButton>
        <CardButton label={`${spec.title} as a CSV file`} onClick={save} data-csv><Icon name="download" size={14} /></CardButton>
      </div>
      <div className="relative">
        {asTable ? <ChartTable spec={spec} {...table()} /> : spec.good !== undefined ? (
          <FlagStrip spec={spec} data={data} from={from} to={to} gapS={gapS} />
        ) : (
          <>
            <Chart spec={spec} data={data} from={from} to={to} gapS={gapS} zone={zone} limits={limits} range={range} onZoom={shared.zoom}
              onReset={shared.reset} onCursor={(at) => pointer.current?.show(at)} />
            <ChartMarks events={events} device={device} from={from} to={to} />
          </>
        )}
        {!isLate && isBlank(figures, data) && (
          <p className="pointer-events-none absolute inset-0 grid place-items-center text-muted">No data in this range</p>
        )}
      </div>
    </figure>
  );
}

/** What the hatching says. */
function HatchKey({ look, words }: { look: "hatched" | "hatched-stop"; words: string }) {
  return (
    <span className="inline-flex items-center gap-1.5 text-xs text-muted" data-hatched={look}>
      <span className={`${look} h-2.5 w-4 shrink-0 rounded-sm border border-edge`} aria-hidden="true" />
      {words}
    </span>
  );
}

function CardButton({ label, pressed, onClick, children, ...rest }: { label: string; pressed?: boolean; onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" aria-label={label} title={label} aria-pressed={pressed} onClick={onClick} {...rest}
      className="inline-flex size-6 shrink-0 items-center justify-center rounded text-faint hover:bg-hover hover:text-text aria-pressed:bg-selected
        aria-pressed:text-accent phone:size-11 print:hidden">
      {children}
    </button>
  );
}
