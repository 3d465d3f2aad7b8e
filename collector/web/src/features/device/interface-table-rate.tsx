import { megabits, percent } from "../../lib/format";

/** A rate with its share of the line speed: number and bar, never the bar alone. */
export function Rate({ bps, use, className, cell }: {
  bps: number | null; use: number | null; className: string; cell: "in" | "out";
}) {
  const share = Math.max(0, Math.min(1, use ?? 0));
  const colour = share >= 0.9 ? "bg-down" : share >= 0.7 ? "bg-degraded" : cell === "in" ? "bg-chart-in" : "bg-chart-out";
  return (
    <div role="gridcell" className={`flex items-center justify-end gap-2 ${className}`}>
      <span className="hidden text-xs text-muted phone:inline">{cell}</span>
      <span className="num flex-1 phone:flex-none" data-cell={cell}>{megabits(bps)}</span>
      <span className="hidden text-xs text-muted phone:inline">Mb/s</span>
      <span className="h-1 w-9 overflow-hidden rounded-full bg-line phone:hidden" aria-hidden="true">
        <span className={`block h-full ${colour}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="num w-10 text-2xs text-muted phone:w-9">{use === null ? "" : `${percent(use)}%`}</span>
    </div>
  );
}
