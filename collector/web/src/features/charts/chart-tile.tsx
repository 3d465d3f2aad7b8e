import { type ReactNode, useRef } from "react";
import { isBlank, useLegend } from "./chart-card";
import { Chart } from "./chart";
import type { ChartData, ChartSpec } from "./chart-data";
import { SMALL_HEIGHT } from "./chart-options";
import { Key, LAYER, type Pointer, PointerLayer } from "./chart-readout";
import { useChartScope } from "./chart-scope";

interface Props {
  spec: ChartSpec;
  data: ChartData;
  gapS: number;
  isLate: boolean;
  /** In place of the present values: more is known of them than the series tells. */
  children?: ReactNode;
  /** What it is of, on the same line as the values: it stays while the pointer reads others. */
  name?: ReactNode;
  /** Of the drawing, in pixels. */
  height?: number;
}

/** A small chart without axes, read and zoomed like the large ones. */
export function ChartTile({ spec, data, gapS, isLate, children, name, height = SMALL_HEIGHT }: Props) {
  const { range } = useChartScope();
  const pointer = useRef<Pointer>(null);
  const { from, to } = range.span ?? { from: 0, to: 0 };
  const { figures, legend, calm, words } = useLegend({ spec, data, gapS }, from, to, range.isLive);
  return (
    <figure className="m-0 min-w-0" aria-label={`${spec.title}. ${words}`} data-tile={spec.id}>
      <figcaption className={name ? "flex min-h-6 items-center gap-3" : ""}>
        {name && <span className="min-w-0 flex-1">{name}</span>}
        <div className="group/caption grid min-h-6 min-w-0 grid-cols-[minmax(0,1fr)]">
          <div className={`${LAYER} group-data-pointed/caption:invisible`}>
            {children ?? spec.lines.map((line, i) => <Key key={line.label} line={line} isCalm={calm[i]}><span className="text-text">{legend[i]?.last}</span></Key>)}
          </div>
          <PointerLayer spec={spec} calm={calm} isBrief={name !== undefined} ref={pointer} />
        </div>
      </figcaption>
      <div className="relative">
        <Chart spec={spec} data={data} from={from} to={to} gapS={gapS} zone={range.zone} small={height} onZoom={range.zoom} onReset={range.reset}
          onCursor={(at) => pointer.current?.show(at)} />
        {!isLate && isBlank(figures, data) && <p className="pointer-events-none absolute inset-0 grid place-items-center text-xs text-muted">no data in this range</p>}
      </div>
    </figure>
  );
}
