import { lazy, Suspense, useRef, useState } from "react";
import { Button } from "../../ui/button";
import { CheckField } from "../../ui/check-field";
import { FieldFrame, TextField } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { Picker } from "../../ui/picker";
import { type Draft, hasObjects, type Kind, type Trouble, TROUBLES, withTrouble } from "./draft";
import { everydayWords } from "./everyday-words";
import { isFlag, unitSign } from "./units";
import { KIND_WORD, type Metrics, metricTitle } from "./words";

const Chooser = lazy(() => import("../../ui/chooser").then((m) => ({ default: m.Chooser })));

interface Props {
  draft: Draft;
  metrics: Metrics;
  wrong: Readonly<Record<string, string>>;
  onChange: (part: Partial<Draft>) => void;
}

const KIND_NOTE: Readonly<Record<Kind, string>> = {
  metric: "a value at a limit or beyond", device_state: "down or degraded", agent_state: "a site is cut off", agent_trouble: "wrong clock, cloned, loses data",
  interface_state: "a port that was up", absence: "a value that is told no more",
};
const KINDS = (Object.keys(KIND_WORD) as Kind[]).map((kind) => ({ value: kind, label: KIND_WORD[kind], note: KIND_NOTE[kind] }));

const TROUBLE_FIELDS: Readonly<Record<Trouble, { label: string; hint: string }>> = {
  clock: { label: "Has a wrong clock", hint: "By more than a minute. The times of what it sends are corrected." },
  cloned: { label: "Is cloned", hint: "Two hosts run as one agent." },
  losing: { label: "Loses data", hint: "It told within the last hour of data that will never come." },
};

/** What is looked at, and when it is wrong. */
export function ConditionFields(props: Props) {
  const { draft, metrics, wrong, onChange } = props;
  const { kind } = draft;
  const hasLimit = kind === "metric" && !isFlag(metrics.get(draft.metric)?.unit);
  return (
    <>
      <FieldFrame id="rule-kind" label="Condition">
        <Picker id="rule-kind" label="Condition" value={kind} choices={KINDS} onChange={(value) => onChange({ kind: value as Kind })} />
      </FieldFrame>
      {kind === "device_state" && (
        <fieldset>
          <legend className="font-medium">Fires for a device that is</legend>
          <CheckField label="Down" hint="It answers nothing." checked={draft.down} onChange={(down) => onChange({ down })} />
          <CheckField label="Degraded" hint="It answers in part, or loses echo requests." checked={draft.degraded} onChange={(degraded) => onChange({ degraded })} />
          {wrong["states"] && <p className="text-xs text-down" data-field-error="states">{wrong["states"]}</p>}
        </fieldset>
      )}
      {kind === "agent_trouble" && (
        <fieldset>
          <legend className="font-medium">Fires for an agent that</legend>
          {TROUBLES.map((one) => (
            <CheckField key={one} {...TROUBLE_FIELDS[one]} checked={draft.troubles.includes(one)}
              onChange={(on) => onChange({ troubles: withTrouble(draft.troubles, one, on) })} />
          ))}
          {wrong["troubles"] && <p className="text-xs text-down" data-field-error="troubles">{wrong["troubles"]}</p>}
        </fieldset>
      )}
      {(kind === "metric" || kind === "absence") && <MetricField {...props} />}
      {hasLimit && <LimitFields {...props} />}
      {hasObjects(draft, metrics) && (
        <TextField id="rule-object" label="Of which" value={draft.object} autoComplete="off" spellCheck={false} error={wrong["object"]}
          hint="Its key, not its name: if:13 or cpu:*. * stands for any characters, ? for one. The page of an alert shows the key beside the name."
          onChange={(event) => onChange({ object: event.target.value })} />
      )}
    </>
  );
}

/** A flag is set or not: it has no other limit, and no limit of another value means anything for it. */
function limitsFor(metric: string, before: string, metrics: Metrics): Partial<Draft> {
  if (isFlag(metrics.get(metric)?.unit)) return { is: "above", limit: "1", clear: "0.5" };
  return isFlag(metrics.get(before)?.unit) ? { limit: "", clear: "" } : {};
}

function MetricField({ draft, metrics, wrong, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const options = [...metrics.values()].map(({ name, unit, words }) => ({
    value: name, label: metricTitle(name, metrics), detail: name, note: unitSign(unit), words: `${words} ${everydayWords(name)}`,
  }));
  return (
    <FieldFrame id="rule-metric" label="Value" error={wrong["metric"]} hint={draft.metric}>
      <Button ref={button} id="rule-metric" aria-haspopup="dialog" aria-expanded={open} aria-invalid={wrong["metric"] ? true : undefined}
        aria-describedby="rule-metric-note" className="justify-between! border-control!" onClick={() => setOpen(!open)}>
        <span className={`clip ${draft.metric ? "" : "text-faint"}`}>{draft.metric ? metricTitle(draft.metric, metrics) : "Choose…"}</span>
        <span className="text-faint"><Icon name="chevron" size={14} /></span>
      </Button>
      <Suspense>
        {open && (
          <Chooser label="Value" anchor={button} value={draft.metric} options={options} onClose={() => setOpen(false)}
            onChoose={(metric) => {
              setOpen(false);
              onChange({ metric, object: "*", ...limitsFor(metric, draft.metric, metrics) });
            }} />
        )}
      </Suspense>
    </FieldFrame>
  );
}

const SIDES = [{ value: "above", label: "at or above" }, { value: "below", label: "at or below" }] as const;

function LimitFields({ draft, metrics, wrong, onChange }: Props) {
  const unit = unitSign(metrics.get(draft.metric)?.unit);
  const of = unit ? ` (${unit})` : "";
  return (
    <div className="grid grid-cols-[130px_minmax(0,1fr)_minmax(0,1fr)] items-start gap-3 phone:grid-cols-2">
      <div className="phone:col-span-2">
        <FieldFrame id="rule-is" label="Fires">
          <Picker id="rule-is" label="Fires" value={draft.is} choices={SIDES} onChange={(is) => onChange({ is: is === "below" ? is : "above" })} />
        </FieldFrame>
      </div>
      <TextField id="rule-limit" label={`Limit${of}`} inputMode="decimal" autoComplete="off" value={draft.limit} placeholder="90"
        error={wrong["limit"]} onChange={(event) => onChange({ limit: event.target.value })} />
      <TextField id="rule-clear" label={`Clear threshold${of}`} inputMode="decimal" autoComplete="off" value={draft.clear} placeholder="at the limit"
        hint="Hysteresis: between the two nothing fires and nothing clears." error={wrong["clear"]} onChange={(event) => onChange({ clear: event.target.value })} />
    </div>
  );
}
