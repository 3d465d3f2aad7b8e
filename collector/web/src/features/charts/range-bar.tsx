import { lazy, Suspense, useRef, useState } from "react";
import { label } from "../../lib/range";
import { useCommands } from "../../lib/use-commands";
import { wordsIn } from "../../lib/zone";
import { Button, IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";
import { Popover } from "../../ui/popover";
import type { ChartRange } from "./chart-scope";
import { COMPARE_WORD, type Compare } from "./compare";

const RangePicker = lazy(() => import("./range-picker").then((m) => ({ default: m.RangePicker })));

interface Props {
  range: ChartRange;
  asTable: boolean;
  onTable: (on: boolean) => void;
  /** Where nothing is drawn there is nothing to compare, and of small charts there are no tables. */
  canCompare?: boolean;
  canTable?: boolean;
}

const ON = "aria-pressed:border-accent aria-pressed:bg-selected";
/** The key goes through them: off, last week, the day before. */
const NEXT: Readonly<Record<"off" | Compare, Compare | null>> = { off: "7d", "7d": "1d", "1d": null };

/** The one range of a page, and what moves it. */
export function RangeBar({ range, asTable, onTable, canCompare = true, canTable = true }: Props) {
  const [open, setOpen] = useState<"range" | "compare" | null>(null);
  const rangeButton = useRef<HTMLButtonElement>(null);
  const compareButton = useRef<HTMLButtonElement>(null);
  const close = () => setOpen(null);
  const { compare, zone } = range;
  useCommands({
    "time.earlier": () => range.shift(-1),
    "time.later": !range.isLive && (() => range.shift(1)),
    "time.out": range.zoomOut,
    "time.in": range.zoomIn,
    "time.pick": () => setOpen("range"),
    "time.compare": canCompare && (() => range.setCompare(NEXT[compare ?? "off"])),
  });
  return (
    <div role="toolbar" aria-label="Time range" className="flex flex-wrap items-center gap-1 print:hidden" data-range-bar>
      {/* The head of the app says «live»; here only that it is not. */}
      {range.isLive ? <span className="sr-only" data-follows="live">Live</span> : (
        <Button onClick={range.reset} className="border-degraded! phone:basis-full" data-follows="paused" title="The charts stand still. Back to what happens now.">
          <span aria-hidden="true" className="font-semibold text-degraded">‖</span>Paused · Back to live
        </Button>
      )}
      <IconButton label="Zoom in ( + )" className="phone:hidden" onClick={range.zoomIn} data-zoom-in><Icon name="plus" /></IconButton>
      <IconButton label="Zoom out ( - )" className="phone:hidden" onClick={range.zoomOut} data-zoom-out><Icon name="minus" /></IconButton>
      <IconButton label="Earlier ( [ )" onClick={() => range.shift(-1)}><Icon name="back" /></IconButton>
      <Button ref={rangeButton} data-range className="phone:min-w-0" aria-haspopup="dialog" aria-expanded={open === "range"} title="Choose the time range ( t )" onClick={() => setOpen(open === "range" ? null : "range")}>
        <span className="clip">{label(range.range, wordsIn(zone).short)}</span>{zone === "utc" && <span className="text-muted">UTC</span>}
        <Icon name="chevron" size={14} />
      </Button>
      <IconButton label="Later ( ] )" className="rotate-180" disabled={range.isLive} onClick={() => range.shift(1)}><Icon name="back" /></IconButton>
      {canCompare && (
        <Button ref={compareButton} data-compare={compare ?? "off"} aria-haspopup="dialog" aria-expanded={open === "compare"} aria-pressed={compare !== null} className={ON}
          title="Compare with the week or the day before ( w )" onClick={() => setOpen(open === "compare" ? null : "compare")}>
          {compare ? `and ${COMPARE_WORD[compare]}` : "Compare"}
        </Button>
      )}
      {canTable && (
        <IconButton label="Show as a table" aria-pressed={asTable} onClick={() => onTable(!asTable)}
          className="aria-pressed:bg-selected aria-pressed:text-accent" data-as-table>
          <Icon name="table" />
        </IconButton>
      )}
      {open === "range" && (
        <Popover label="Time range" anchor={rangeButton} align="end" className="w-[560px] max-h-[calc(100dvh-24px)] overflow-y-auto phone:w-[320px]" onClose={close}>
          <Suspense><RangePicker range={range} onClose={close} /></Suspense>
        </Popover>
      )}
      {open === "compare" && (
        <Popover label="Compare" anchor={compareButton} align="end" className="w-56" onClose={close}>
          <ul>
            {([null, "7d", "1d"] as const).map((one) => (
              <li key={one ?? "off"}>
                <button type="button" aria-pressed={compare === one} data-compare-choice={one ?? "off"} className="flex h-8 w-full items-center rounded-md px-2 text-left hover:bg-hover aria-pressed:text-accent phone:h-11"
                  onClick={() => {
                    range.setCompare(one);
                    close();
                  }}>
                  {one ? `With ${COMPARE_WORD[one]}` : "With nothing"}
                </button>
              </li>
            ))}
          </ul>
        </Popover>
      )}
    </div>
  );
}
