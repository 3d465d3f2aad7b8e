import { serverNow } from "../lib/clock";
import { DAY_MS, dayOf, type Expiry, expiryMs, inHours, ON_A_DAY, type Span } from "../lib/expiry";
import { dateTime } from "../lib/format";
import { FieldFrame, INPUT } from "./field";
import { Picker } from "./picker";

interface Props {
  id: string;
  label: string;
  spans: readonly Span[];
  /** The longest that is allowed; without a day of its own a span must do. */
  maxDays?: number;
  value: Expiry;
  onChange: (value: Expiry) => void;
  error?: string | undefined;
}

/** When something ends, and the moment that means. */
export function ExpiryField({ id, label, spans, maxDays, value, onChange, error }: Props) {
  const now = serverNow();
  const isDay = value.startsWith(ON_A_DAY);
  const end = expiryMs(value, now);
  const choices = spans.map((span) => ({ value: inHours(span.hours), label: span.label }));
  if (maxDays !== undefined) choices.push({ value: ON_A_DAY, label: "on a day" });
  return (
    <FieldFrame id={id} label={label} error={error}
      hint={end === null ? "Choose the last day." : `Until ${dateTime(end)}.`}>
      <div className="flex gap-2">
        <Picker id={id} label={label} value={isDay ? ON_A_DAY : value} choices={choices} invalid={!!error}
          onChange={(next) => onChange(next === ON_A_DAY ? ON_A_DAY + dayOf(now + 30 * DAY_MS) : next)} />
        {isDay && maxDays !== undefined && (
          <input type="date" aria-label="Last day" className={INPUT} value={value.slice(ON_A_DAY.length)}
            min={dayOf(now)} max={dayOf(now + (maxDays - 1) * DAY_MS)}
            onChange={(event) => onChange(ON_A_DAY + event.target.value)} />
        )}
      </div>
    </FieldFrame>
  );
}
