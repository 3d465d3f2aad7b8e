import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { integer } from "../../lib/format";
import { useInterface } from "../../lib/live-app";
import { causeHint, missingWord } from "../../lib/state";
import type { Device, DeviceObject } from "../../lib/types";
import { Age } from "../../ui/age";
import { ErrorNote } from "../../ui/error-note";
import { ChartCard } from "../charts/chart-card";
import type { Drawn } from "../charts/use-charts";
import { useCharts } from "../charts/use-charts";
import { objectLatest, portLatest, reachLatest } from "./latest";
import type { MetricCard, MetricGroup } from "./metric-cards";

interface Props {
  group: MetricGroup;
  device: Device;
  objects: ReadonlyMap<string, DeviceObject>;
}

/** A card with its caption, axis and foot. Cards out of sight keep the room that they will need. */
const CARD_PX = 238;
/** One that is a strip alone. */
const FLAG_PX = 94;
/** Charts are fetched this far before they come into sight. */
const AHEAD = "400px";

export function MetricGrid({ group: { title, cards }, device, objects }: Props) {
  const id = useId();
  // Strips stand in a row of their own: beside a curve they would be as high as it.
  const isFlag = ({ spec }: MetricCard) => spec?.good !== undefined;
  const rows = [cards.filter(isFlag), cards.filter((card) => !isFlag(card))].filter((row) => row.length > 0);
  return (
    <section aria-labelledby={id} data-metric-group={title}>
      <h2 id={id} className="flex items-baseline gap-2 pb-2 font-semibold">{title}<span className="text-xs font-normal text-muted">{integer(cards.length)}</span></h2>
      <div className="flex flex-col gap-3">
        {rows.map((row) => (
          <div key={row[0]?.key} className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,400px),1fr))] gap-3">
            {row.map((card) => <Card key={card.key} card={card} device={device} object={objects.get(card.object)} />)}
          </div>
        ))}
      </div>
    </section>
  );
}

function Card({ card, device, object }: { card: MetricCard; device: Device; object: DeviceObject | undefined }) {
  const box = useRef<HTMLElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new IntersectionObserver(([entry]) => setNear(entry?.isIntersecting === true), { rootMargin: AHEAD });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const { spec } = card;
  return (
    <article ref={box} style={{ minHeight: spec ? (spec.good === undefined ? CARD_PX : FLAG_PX) : undefined }} data-metric={card.key} className="min-w-0 rounded-lg border border-line bg-surface px-3 py-2">
      {card.name && <h3 className="clip px-1 text-xs text-muted" title={card.name}>{card.name}</h3>}
      {spec ? isNear && <Content card={card} device={device} object={object} /> : <Missing object={object} />}
    </article>
  );
}

/** It is there, and there is no series of it: why. */
function Missing({ object }: { object: DeviceObject | undefined }) {
  const cause = object?.values.find(({ value }) => value === null)?.cause ?? "pending";
  return <p className="text-muted" data-missing={cause}>No value: {missingWord(cause)}. {causeHint(cause)}</p>;
}

function Content({ card, device, object }: { card: MetricCard; device: Device; object: DeviceObject | undefined }) {
  const port = useInterface(device.id, card.object);
  const charts = useMemo(() => (card.spec ? [card.spec] : []), [card.spec]);
  const latest = useMemo(
    () => (card.object === "" ? [...reachLatest(device), ...objectLatest(object)] : port ? portLatest(port) : objectLatest(object)),
    [card.object, device, port, object],
  );
  const { drawn, gapS, error, retry, isLate } = useCharts({ device, object: card.object, charts, latest });
  if (error) return <ErrorNote error={error} onRetry={retry} />;
  const [one] = drawn ?? [];
  if (!one) return <div role="status" aria-label="Loading the chart" />;
  return (
    <>
      <ChartCard spec={one.spec} data={one.data} gapS={gapS} of={card.name} isLate={isLate} />
      <Foot card={card} drawn={one} />
    </>
  );
}

/** Which metric it is, its unit, and how old its last value is. */
function Foot({ card, drawn: { spec, data } }: { card: MetricCard; drawn: Drawn }): ReactNode {
  const last = data.times.findLast((_, i) => data.values.some((column) => typeof column[i] === "number"));
  return (
    <p className="flex gap-x-2 px-1 text-2xs text-muted">
      <code className="clip min-w-0 font-mono select-all" title={card.metrics.join(", ")}>{card.metrics.join(" ")}</code>
      {spec.unit && <span className="shrink-0">{spec.unit}</span>}
      {last !== undefined && <span className="ml-auto shrink-0"><Age at={new Date(last * 1000).toISOString()} long /></span>}
    </p>
  );
}
