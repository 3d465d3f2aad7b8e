import { useState } from "react";
import { useKeys } from "../../lib/use-keys";
import { Button, IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { RangePicker } from "./range-picker";
import type { ChartRange } from "./use-chart-range";

interface Props {
  title: string;
  range: ChartRange;
  asTable: boolean;
  onTable: (on: boolean) => void;
}

/** What the charts are of, and the range of all of them. */
export function ChartsHead({ title, range, asTable, onTable }: Props) {
  const [picking, setPicking] = useState(false);
  useKeys({
    "[": () => range.shift(-1),
    "]": () => range.shift(1),
    "=": range.zoomOut,
    t: () => setPicking(true),
  });
  return (
    <div className="flex flex-wrap items-center gap-1.5 pb-3">
      <h2 className="clip mr-auto min-w-0 font-semibold" data-chart-title>{title}</h2>
      <IconButton label="Earlier ( [ )" onClick={() => range.shift(-1)}>
        <Icon name="back" />
      </IconButton>
      <IconButton label="Later ( ] )" className="rotate-180" disabled={range.isLive} onClick={() => range.shift(1)}>
        <Icon name="back" />
      </IconButton>
      <Button onClick={range.zoomOut}>Zoom out</Button>
      {!range.isLive && <Button onClick={range.reset}>Back to live</Button>}
      <RangePicker range={range.range} onChange={range.set} open={picking} onOpenChange={setPicking} />
      <IconButton label="Show as a table" aria-pressed={asTable} onClick={() => onTable(!asTable)}
        className="aria-pressed:bg-selected aria-pressed:text-accent" data-as-table>
        <Icon name="table" />
      </IconButton>
    </div>
  );
}
