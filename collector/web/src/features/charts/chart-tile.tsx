import { type ReactNode, useRef } from "react";
import { isBlank, useLegend } from "./chart-card";
import { Chart } from "./chart";
import type { ChartData, ChartSpec } from "./chart-data";
import { Key, LAYER, type Pointer, PointerLayer } from "./chart-readout";
import { useChartScope } from "./chart-scope";

interface Props {
  spec: ChartSpec;
  data: ChartData;
  gapS: number;
  isLate: boolean;
  /** In place of the present values: more is known of them than the series tells. */
  children?: ReactNode;
}

/** A small chart without axes, read and zoomed like the large ones. */
export function ChartTile({ spec, data, gapS, isLate, children }: Props) {
  const { range } = useChartScope();
  const pointer = useRef<Pointer>(null);
  const { from, to } = range.span ?? { from: 0, to: 0 };
  const { figures, legend, words } = useLegend({ spec, data, gapS }, from, to, range.isLive);
  return (
    <figure className="m-0 min-w-0" aria-label={`${spec.title}. ${words}`} data-tile={spec.id}>
      <figcaption className="group/caption grid min-h-6">
        <div className={`${LAYER} group-data-pointed/caption:invisible`}>
          {children ?? spec.lines.map((line, i) => <Key key={line.label} line={line}><span className="text-text">{legend[i]?.last}</span></Key>)}
        </div>
        <PointerLayer spec={spec} ref={pointer} />
      </figcaption>
      <div className="relative">
        <Chart spec={spec} data={data} from={from} to={to} gapS={gapS} zone={range.zone} small onZoom={range.zoom} onReset={range.reset}
          onCursor={(at) => pointer.current?.show(at)} />
        {!isLate && isBlank(figures, data) && <p className="pointer-events-none absolute inset-0 grid place-items-center text-xs text-muted">no data in this range</p>}
      </div>
    </figure>
  );
}
