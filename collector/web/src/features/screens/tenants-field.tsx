import { useMay } from "../../lib/role";
import { CheckField } from "../../ui/check-field";
import { RadioCards } from "../../ui/radio-cards";

interface Props {
  /** Null: all there are, also those that come. */
  value: readonly string[] | null;
  onChange: (value: readonly string[] | null) => void;
  /** Those that may be given to a screen. */
  offered: readonly { id: string; name: string }[];
  error: string | undefined;
}

const WHICH = [
  { value: "all", label: "All tenants", note: "Also those that come later." },
  { value: "some", label: "Only some", note: "Chosen below." },
] as const;

/** What whoever stands before the screen sees. Nothing to choose for who administers one tenant. */
export function TenantsField({ value, onChange, offered, error }: Props) {
  const { provider } = useMay();
  if (offered.length < 2 && !provider && !error) return null;
  const chosen = new Set(value ?? []);
  const toggle = (id: string, on: boolean) =>
    onChange(offered.filter((one) => (one.id === id ? on : chosen.has(one.id))).map((one) => one.id));
  return (
    <div className="flex flex-col gap-1.5">
      {provider && (
        <RadioCards legend="It shows" name="which" cards={WHICH} value={value === null ? "all" : "some"}
          onChange={(which) => onChange(which === "all" ? null : [])} />
      )}
      {value !== null && (
        <fieldset className="max-h-56 overflow-y-auto rounded-md border border-line px-3 py-1" aria-describedby={error ? "screen-tenants-note" : undefined}>
          <legend className={provider ? "sr-only" : "font-medium"}>Tenants</legend>
          {offered.map(({ id, name }) => (
            <CheckField key={id} label={name} checked={chosen.has(id)} onChange={(on) => toggle(id, on)} />
          ))}
        </fieldset>
      )}
      {error && <p id="screen-tenants-note" data-field-error="tenants" className="text-xs text-down">{error}</p>}
    </div>
  );
}
