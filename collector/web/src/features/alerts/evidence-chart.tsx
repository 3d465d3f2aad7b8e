import { useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime, reading } from "../../lib/format";
import type { AlertDetail } from "../../lib/types";
import { ChartCard } from "../charts/chart-card";
import type { ChartSpec } from "../charts/chart-data";
import type { Limit } from "../charts/limits";
import { type ChartScope, ChartScopeContext } from "../charts/chart-scope";
import { useRange } from "../charts/use-range";
import type { Item } from "../timeline/kinds";
import { asOf, type EvidencePlot, evidencePlot } from "./evidence";
import { part } from "./part";

const nothing = () => {};

/** As they stand on the line of a device: when it began, fired and was resolved. */
function eventsOf({ marks }: EvidencePlot, { id, severity }: Pick<AlertDetail, "id" | "severity">): Item[] {
  const WORD = { began: "Wrong for the first time", fired: "Fired", resolved: "Resolved" } as const;
  const KIND = { began: "state_changed", fired: "alert_fired", resolved: "alert_resolved" } as const;
  return marks.toReversed().map(({ kind, at }) => ({
    at: new Date(at * 1000).toISOString(), kind: KIND[kind], severity, state: kind === "began" ? "unknown" : null, text: WORD[kind], alert: kind === "began" ? null : id,
    version: null, job: null,
  }));
}

/** The readings of the evidence against the limit. The table beside it says the same. */
export function EvidenceChart({ alert }: { alert: AlertDetail }) {
  const { samples, condition } = alert.evidence;
  const shape = JSON.stringify([samples, condition, alert.began_at, alert.fired_at, alert.resolved_at]);
  // A detail that was asked for anew is drawn anew only where it says something else.
  // oxlint-disable-next-line react/exhaustive-deps
  const plot = useMemo(() => evidencePlot(alert), [shape]);
  return plot && <Plotted plot={plot} alert={alert} />;
}

function Plotted({ plot, alert }: { plot: EvidencePlot; alert: AlertDetail }) {
  const { rule, evidence: { samples } } = alert;
  const { span: [first, last] } = plot;
  const [from, to] = [Math.round(first * 1000), Math.round(last * 1000)];
  const range = useRange({ range: { from: String(from), to: String(to) }, zone: "local", compare: null, set: nothing, setZone: nothing, setCompare: nothing });
  const title = `Readings${asOf(alert, serverNow())}`;
  const spec = useMemo((): ChartSpec => ({ id: "evidence", title, unit: plot.unit, scale: 1, lines: [{ label: "Value", match: /^$/, colour: "chart-in" }] }), [title, plot.unit]);
  const data = useMemo(() => ({ times: plot.data[0], values: [plot.data[1]], bands: null }), [plot]);
  const limits = useMemo((): Limit[] => [
    { value: plot.limit, word: "limit", tone: "down", dash: [] },
    ...(plot.clear === null ? [] : [{ value: plot.clear, word: "clear", tone: "up", dash: [5, 4] }]),
  ], [plot]);
  const events = useMemo(() => eventsOf(plot, alert), [plot, alert]);
  const scope = useMemo((): ChartScope => ({ range, asTable: false, events, device: alert.device?.id ?? "", name: rule.name }), [range, events, alert.device, rule.name]);
  const words = `${samples.length} readings from ${dateTime(samples[0]?.at)}; the limit is ${reading(plot.limit, plot.unit)}`;
  return (
    <ChartScopeContext value={scope}>
      <div role="group" aria-label={words} data-evidence-chart={plot.data[0].length}>
        <ChartCard spec={spec} data={data} gapS={to - from} of={part(alert)} isLate={false} limits={limits} range={plot.range} />
      </div>
    </ChartScopeContext>
  );
}
