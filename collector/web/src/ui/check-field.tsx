import type { ReactNode } from "react";

interface Props {
  label: ReactNode;
  hint?: string;
  checked: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

/** One of several that may be chosen, or something that is on or off. */
export function CheckField({ label, hint, checked, onChange, disabled }: Props) {
  return (
    <label className="flex min-h-8 items-start gap-2.5 py-1.5 phone:min-h-11 phone:items-center">
      <input type="checkbox" className="mt-0.5 size-4 shrink-0 phone:mt-0" checked={checked} disabled={disabled}
        onChange={(event) => onChange(event.target.checked)} />
      <span className="min-w-0 wrap-anywhere">
        {label}
        {hint && <span className="block text-xs text-muted">{hint}</span>}
      </span>
    </label>
  );
}
