import { FieldFrame, TextField } from "../../ui/field";
import { Picker } from "../../ui/picker";
import type { Manner } from "./bulk";

/** A picker's value is never empty. */
const STAYS = "stays";

interface Props {
  manner: Manner;
  onChange: (manner: Manner) => void;
  wrong: Readonly<Record<string, string>>;
}

/** How many devices are asked, each part of it left as it is unless something is chosen. */
export function MannerFields({ manner, onChange, wrong }: Props) {
  const choose = (part: "ping" | "strict") => (value: string) =>
    onChange({ ...manner, [part]: value === STAYS ? "" : value });
  return (
    <fieldset className="flex flex-col gap-4 border-t border-line pt-4" data-manner>
      <legend className="sr-only">How they are asked</legend>
      <FieldFrame id="bulk-ping" label="Echo requests" error={wrong["ping"]}>
        <Picker id="bulk-ping" label="Echo requests" value={manner.ping || STAYS} onChange={choose("ping")} choices={[
          { value: STAYS, label: "Stays as it is" }, { value: "on", label: "Sent" }, { value: "off", label: "Not sent" },
        ]} />
      </FieldFrame>
      <FieldFrame id="bulk-strict" label="Answers from another address" error={wrong["strict_source"]}>
        <Picker id="bulk-strict" label="Answers from another address" value={manner.strict || STAYS} onChange={choose("strict")} choices={[
          { value: STAYS, label: "Stays as it is" }, { value: "off", label: "Taken and shown" }, { value: "on", label: "Not taken" },
        ]} />
      </FieldFrame>
      <TextField id="bulk-gap" label="Pause between two questions" inputMode="numeric" autoComplete="off" value={manner.gap}
        placeholder="Stays as it is" error={wrong["request_gap_ms"]} hint="In milliseconds, 1000 at most; 0 for none."
        onChange={(event) => onChange({ ...manner, gap: event.target.value })} />
    </fieldset>
  );
}
