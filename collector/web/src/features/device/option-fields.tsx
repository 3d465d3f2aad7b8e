import { CheckField } from "../../ui/check-field";
import { TextField } from "../../ui/field";
import { Icon } from "../../ui/icon";

/** How a device is asked, beside the credential. */
export interface Options {
  ping: boolean;
  strict_source: boolean;
  /** As it is typed: milliseconds. */
  gap: string;
}

export const USUAL: Options = { ping: true, strict_source: false, gap: "0" };
export const OPTION_SHOWS = ["ping", "strict_source", "request_gap_ms"];

const GAP_MAX = 1000;

export function optionsWrong({ gap }: Options): Readonly<Record<string, string>> {
  const isWhole = /^\d{1,4}$/.test(gap.trim());
  return isWhole && Number(gap) <= GAP_MAX ? {} : { request_gap_ms: `It must be 0 to ${GAP_MAX} milliseconds.` };
}

interface Sent {
  ping?: boolean;
  strict_source?: boolean;
  request_gap_ms?: number;
}

/** Only what differs. */
export function optionsSent(is: Options, was: Options = USUAL): Sent {
  const sent: Sent = {};
  if (is.ping !== was.ping) sent.ping = is.ping;
  if (is.strict_source !== was.strict_source) sent.strict_source = is.strict_source;
  if (Number(is.gap) !== Number(was.gap)) sent.request_gap_ms = Number(is.gap);
  return sent;
}

interface Props {
  id: string;
  options: Options;
  onChange: (options: Options) => void;
  wrong: Readonly<Record<string, string>>;
}

/** Folded away: for nearly all devices they are right as they are. */
export function OptionFields({ id, options, onChange, wrong }: Props) {
  const isWrong = OPTION_SHOWS.some((name) => wrong[name]);
  const isUsual = Object.keys(optionsSent(options)).length === 0;
  return (
    <details className="group rounded-md border border-line px-3" open={isWrong || undefined} data-options>
      <summary className="flex min-h-9 cursor-pointer items-center gap-2 font-medium select-none phone:min-h-11">
        How it is asked <span className="flex-1 text-xs font-normal text-muted">{isUsual ? "as usual" : "changed"}</span>
        <span className="text-muted group-open:rotate-180"><Icon name="chevron" size={14} /></span>
      </summary>
      <div className="flex flex-col gap-2 pb-3">
        <CheckField label="Send echo requests" checked={options.ping} onChange={(ping) => onChange({ ...options, ping })}
          hint="They tell a device that is down from one whose SNMP is; off for those that take them amiss." />
        <CheckField label="Take answers only from this address" checked={options.strict_source}
          onChange={(strict_source) => onChange({ ...options, strict_source })}
          hint="Routers with many addresses may answer from another one; off, that is taken and shown." />
        <TextField id={`${id}-gap`} label="Pause between two questions" inputMode="numeric" autoComplete="off" value={options.gap}
          error={wrong["request_gap_ms"]} hint="In milliseconds, 1000 at most. For devices that get out of breath; 0 for all others."
          onChange={(event) => onChange({ ...options, gap: event.target.value })} />
      </div>
    </details>
  );
}
