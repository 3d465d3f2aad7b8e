import { type SubmitEvent, useState } from "react";
import { serverNow } from "../../lib/clock";
import { label, parseTyped, PRESETS, type Range } from "../../lib/range";
import { wordsIn } from "../../lib/zone";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { CalendarGrid } from "./calendar-grid";
import { dayAt, dayNumber, daysSpan } from "./calendar";
import type { ChartRange } from "./chart-scope";
import { recentRanges, rememberRange } from "./recent";

const CHOICE = "flex h-7 w-full items-center rounded-md px-2 text-left hover:bg-hover aria-pressed:text-accent phone:h-11";

/** What the button of the range has opened: typed, presets, lately used, days, and the zone. */
export function RangePicker({ range: { range, span, zone, set, setZone, zoomIn, zoomOut }, onClose }: { range: ChartRange; onClose: () => void }) {
  const [wrong, setWrong] = useState(false);
  const [recent] = useState(recentRanges);
  const pick = (next: Range) => {
    rememberRange(next);
    set(next);
    onClose();
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const typed = String(new FormData(event.currentTarget).get("typed") ?? "");
    const next = parseTyped(typed, serverNow(), zone);
    setWrong(next === null);
    if (next) pick(next);
  };
  const isNow = (one: Range) => range.to === one.to && range.from === one.from;
  const now = serverNow();
  const day = (ms: number) => dayNumber(dayAt(ms, zone));
  // Where the clocks show UTC there is nothing to choose, unless a link chose it.
  const isZoned = zone === "utc" || wordsIn("local").name !== "UTC";
  // A list of its own only for what is no preset.
  const lately = recent.filter((one) => one.to !== "now" || PRESETS.every(({ from }) => from !== one.from));
  return (
    <div className="grid grid-cols-[1fr_240px] gap-x-4 p-1.5 phone:grid-cols-1" data-range-picker>
      <div className="min-w-0">
        {/* Two fingers zoom the page of a phone, not a chart. */}
        <div className="mb-2 hidden gap-1 phone:flex">
          <Button className="flex-1" onClick={zoomIn}><Icon name="plus" size={14} /> Zoom in</Button>
          <Button className="flex-1" onClick={zoomOut}><Icon name="minus" size={14} /> Zoom out</Button>
        </div>
        <form onSubmit={submit} noValidate>
          <TextField id="typed" name="typed" label="Time range" autoComplete="off" placeholder="6h, yesterday 14:00 to 16:00"
            hint="Lengths, days, times, or «start to end»."
            error={wrong ? "Not understood. Try «2h», «yesterday» or «14:00 to 15:30»." : undefined} />
        </form>
        <ul className="mt-2 border-t border-line pt-2">
          {PRESETS.map((preset) => {
            const one = { from: preset.from, to: "now" };
            return <li key={preset.from}><button type="button" aria-pressed={isNow(one)} onClick={() => pick(one)} className={CHOICE}>{preset.label}</button></li>;
          })}
        </ul>
      </div>
      <div className="min-w-0 phone:mt-2 phone:border-t phone:border-line phone:pt-2">
        <CalendarGrid key={zone} zone={zone} first={day(span?.from ?? now)} last={day(Math.min(span?.to ?? now, now))} onPick={(a, b) => pick(daysSpan(a, b, zone, now))} />
        {isZoned && (
          <div role="group" aria-label="Time zone" className="mt-2 flex gap-1 border-t border-line pt-2">
            {(["local", "utc"] as const).map((one) => (
              <Button key={one} aria-pressed={zone === one} data-zone={one} onClick={() => setZone(one)} className="flex-1 aria-pressed:border-accent aria-pressed:bg-selected">
                {one === "utc" ? "UTC" : `Local (${wordsIn("local").name})`}
              </Button>
            ))}
          </div>
        )}
      </div>
      {lately.length > 0 && (
        <section aria-labelledby="recent-ranges" className="col-span-full mt-2 border-t border-line pt-2" data-recent={lately.length}>
          <h3 id="recent-ranges" className="px-2 text-xs text-muted">Used lately</h3>
          <ul className="grid grid-cols-2 phone:grid-cols-1">
            {lately.map((one) => (
              <li key={`${one.from} ${one.to}`}><button type="button" aria-pressed={isNow(one)} onClick={() => pick(one)} className={CHOICE}><span className="clip">{label(one, wordsIn(zone).short)}</span></button></li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
