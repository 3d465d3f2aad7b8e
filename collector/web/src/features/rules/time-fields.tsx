import { TextField } from "../../ui/field";
import type { Draft } from "./draft";

/** How long it has to be wrong, and how long it has to be well. */
export function TimeFields({ draft, wrong, onChange }: {
  draft: Draft; wrong: Readonly<Record<string, string>>; onChange: (part: Partial<Draft>) => void;
}) {
  return (
    <div className="grid grid-cols-2 items-start gap-3">
      <TextField id="rule-for" label="Fires after" value={draft.wait} autoComplete="off" placeholder="10 min" error={wrong["for_s"]}
        hint="So long it has to be wrong. 0: the first reading is enough." onChange={(event) => onChange({ wait: event.target.value })} />
      <TextField id="rule-calm" label="Clears after" value={draft.calm} autoComplete="off" placeholder="5 min" error={wrong["resolve_after_s"]}
        hint="So long it has to be well. What flaps within is one alert." onChange={(event) => onChange({ calm: event.target.value })} />
    </div>
  );
}
