import { type InputHTMLAttributes, type ReactNode, useId } from "react";

export const INPUT =
  "h-8 w-full min-w-0 rounded-md border border-control bg-surface px-2.5 text-text phone:h-11 " +
  "phone:text-[16px] aria-invalid:border-down";

interface FrameProps {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: ReactNode;
}

/** Label, control, hint and error, tied together for screen readers. */
export function FieldFrame({ id, label, hint, error, children }: FrameProps) {
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children}
      {error ? (
        <p id={`${id}-note`} className="text-xs text-down" data-field-error={id}>
          {error}
        </p>
      ) : (
        hint && (
          <p id={`${id}-note`} className="text-xs text-muted">
            {hint}
          </p>
        )
      )}
    </div>
  );
}

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
}

export function TextField({ label, hint, error, id, className = "", ...rest }: Props) {
  const made = useId();
  const own = id ?? made;
  return (
    <FieldFrame id={own} label={label} hint={hint} error={error}>
      <input
        id={own}
        className={`${INPUT} ${className}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || hint ? `${own}-note` : undefined}
        {...rest}
      />
    </FieldFrame>
  );
}
