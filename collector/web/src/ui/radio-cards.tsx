import { useId } from "react";

export interface Card<V extends string> {
  value: V;
  label: string;
  /** What choosing it means. */
  note: string;
}

interface Props<V extends string> {
  legend: string;
  name: string;
  cards: readonly Card<V>[];
  value: V;
  onChange: (value: V) => void;
  error?: string | undefined;
  /** Side by side, where there is room. */
  across?: boolean;
}

/** One of a few, each with what it means: for choices that give somebody rights. */
export function RadioCards<V extends string>({ legend, name, cards, value, onChange, error, across }: Props<V>) {
  const id = useId();
  return (
    <fieldset className={`grid gap-1.5 ${across ? "auto-cols-fr desk:grid-flow-col" : ""}`} aria-describedby={error ? `${id}-note` : undefined}>
      <legend className="mb-1 font-medium">{legend}</legend>
      {cards.map((card) => (
        <label key={card.value}
          className="flex cursor-pointer items-start gap-3 rounded-md border border-line px-3 py-2
            has-checked:border-accent has-checked:bg-selected has-focus-visible:outline-2
            has-focus-visible:outline-offset-2 has-focus-visible:outline-accent phone:min-h-11">
          <input type="radio" name={name} value={card.value} checked={card.value === value}
            aria-describedby={`${id}-${card.value}`} aria-label={card.label}
            className="mt-0.5 size-4 shrink-0 outline-none" onChange={() => onChange(card.value)} />
          <span className="min-w-0">
            <span className="block font-medium">{card.label}</span>
            <span id={`${id}-${card.value}`} className="block text-xs text-muted">{card.note}</span>
          </span>
        </label>
      ))}
      {error && <p id={`${id}-note`} className="text-xs text-down" data-field-error={name}>{error}</p>}
    </fieldset>
  );
}
