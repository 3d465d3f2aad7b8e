import { CheckField } from "../../ui/check-field";
import { TextField } from "../../ui/field";
import { Fold } from "../../ui/fold";

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

/** For nearly all devices they are right as they are. */
export function OptionFields({ id, options, onChange, wrong }: Props) {
  const isUsual = Object.keys(optionsSent(options)).length === 0;
  return (
    <Fold title="Polling options" note={isUsual ? "defaults" : "changed"} isWrong={OPTION_SHOWS.some((name) => wrong[name])}>
      <CheckField label="Send echo requests" checked={options.ping} onChange={(ping) => onChange({ ...options, ping })}
        hint="Tells a device that is down from one whose SNMP is." />
      <CheckField label="Accept replies from other addresses" checked={!options.strict_source}
        onChange={(on) => onChange({ ...options, strict_source: !on })}
        hint="Routers with many addresses may reply from another one." />
      <TextField id={`${id}-gap`} label="Delay between requests" inputMode="numeric" autoComplete="off" value={options.gap}
        error={wrong["request_gap_ms"]} hint="Milliseconds, up to 1000. Only for devices that drop requests."
        onChange={(event) => onChange({ ...options, gap: event.target.value })} />
    </Fold>
  );
}
