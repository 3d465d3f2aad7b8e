import { FieldFrame, TextField } from "../../ui/field";
import { Fold } from "../../ui/fold";
import { Picker } from "../../ui/picker";
import { OPTION_SHOWS } from "../device/option-fields";
import { type Manner, STAYING } from "./bulk";

/** A picker's value is never empty. */
const STAYS = "stays";
const UNCHANGED = { value: STAYS, label: "Unchanged" };

interface Props {
  manner: Manner;
  onChange: (manner: Manner) => void;
  wrong: Readonly<Record<string, string>>;
}

/** How many devices are asked, each part of it left as it is unless something is chosen. */
export function MannerFields({ manner, onChange, wrong }: Props) {
  const choose = (part: "ping" | "strict") => (value: string) =>
    onChange({ ...manner, [part]: value === STAYS ? "" : value });
  const isStaying = manner.ping === STAYING.ping && manner.strict === STAYING.strict && manner.gap.trim() === STAYING.gap;
  return (
    <Fold title="Polling options" note={isStaying ? "unchanged" : "changed"} isWrong={OPTION_SHOWS.some((name) => wrong[name])}>
      <FieldFrame id="bulk-ping" label="Echo requests" error={wrong["ping"]}>
        <Picker id="bulk-ping" label="Echo requests" value={manner.ping || STAYS} onChange={choose("ping")} choices={[
          UNCHANGED, { value: "on", label: "Sent" }, { value: "off", label: "Not sent" },
        ]} />
      </FieldFrame>
      <FieldFrame id="bulk-strict" label="Replies from other addresses" error={wrong["strict_source"]}>
        <Picker id="bulk-strict" label="Replies from other addresses" value={manner.strict || STAYS} onChange={choose("strict")} choices={[
          UNCHANGED, { value: "off", label: "Accepted" }, { value: "on", label: "Refused" },
        ]} />
      </FieldFrame>
      <TextField id="bulk-gap" label="Delay between requests" inputMode="numeric" autoComplete="off" value={manner.gap}
        placeholder="Unchanged" error={wrong["request_gap_ms"]} hint="Milliseconds, up to 1000; 0 for none."
        onChange={(event) => onChange({ ...manner, gap: event.target.value })} />
    </Fold>
  );
}
