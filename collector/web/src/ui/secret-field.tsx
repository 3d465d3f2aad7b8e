import { type InputHTMLAttributes, type ReactNode, useState } from "react";
import { IconButton } from "./button";
import { FieldFrame, INPUT } from "./field";
import { Icon } from "./icon";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
}

/** A secret of a device, not of a person: it can be looked at while it is typed. */
export function SecretField({ id, label, hint, error, ...rest }: Props) {
  const [shown, setShown] = useState(false);
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error}>
      <span className="relative flex">
        <input id={id} type={shown ? "text" : "password"} autoComplete="off" autoCapitalize="none" spellCheck={false}
          data-1p-ignore data-lpignore="true"
          className={`${INPUT} pr-9 phone:pr-12`} aria-invalid={error ? true : undefined}
          aria-describedby={error || hint ? `${id}-note` : undefined} {...rest} />
        <IconButton label={`${shown ? "Hide" : "Show"} ${label.toLowerCase()}`} aria-pressed={shown}
          className="absolute top-0 right-0 phone:size-11" onClick={() => setShown(!shown)}>
          <Icon name={shown ? "eyeOff" : "eye"} />
        </IconButton>
      </span>
    </FieldFrame>
  );
}
