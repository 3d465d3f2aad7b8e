import { Popover } from "radix-ui";
import { type SubmitEvent, useState } from "react";
import { serverNow } from "../../lib/clock";
import { dateTime } from "../../lib/format";
import { label, parseTyped, PRESETS, type Range } from "../../lib/range";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { Icon } from "../../ui/icon";

interface Props {
  range: Range;
  onChange: (range: Range) => void;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function RangePicker({ range, onChange, open, onOpenChange }: Props) {
  const [wrong, setWrong] = useState(false);
  const pick = (next: Range) => {
    onChange(next);
    onOpenChange(false);
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const typed = String(new FormData(event.currentTarget).get("typed") ?? "");
    const next = parseTyped(typed, serverNow());
    setWrong(next === null);
    if (next) pick(next);
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next) => {
        setWrong(false);
        onOpenChange(next);
      }}
    >
      <Popover.Trigger asChild>
        <Button data-range>
          {label(range, dateTime)}
          <Icon name="chevron" size={14} />
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label="Time range"
          className="z-50 w-72 rounded-lg border border-edge bg-raised p-3 shadow-(--shadow)"
        >
          <form onSubmit={submit} noValidate>
            <TextField
              id="typed"
              name="typed"
              label="Time range"
              autoComplete="off"
              placeholder="6h, yesterday 14:00 to 16:00"
              hint="Lengths, days, times, or «start to end»."
              error={wrong ? "Not understood. Try «2h», «yesterday» or «14:00 to 15:30»." : undefined}
            />
          </form>
          <ul className="mt-2 border-t border-line pt-2">
            {PRESETS.map((preset) => (
              <li key={preset.from}>
                <button
                  type="button"
                  aria-pressed={range.to === "now" && range.from === preset.from}
                  onClick={() => pick({ from: preset.from, to: "now" })}
                  className="flex h-7 w-full items-center rounded-md px-2 text-left hover:bg-hover
                    aria-pressed:text-accent phone:h-11"
                >
                  {preset.label}
                </button>
              </li>
            ))}
          </ul>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
