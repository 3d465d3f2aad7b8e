import { type InputHTMLAttributes, type ReactNode, useState } from "react";
import { IconButton } from "./button";
import { FieldFrame, INPUT } from "./field";
import { Icon } from "./icon";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** Of a person, whose password manager may fill it in; else it is one of a device. */
  isOwn?: boolean;
}

const NO_MANAGER = { "data-1p-ignore": true, "data-lpignore": "true" };

/** A secret that can be looked at while it is typed. */
export function SecretField({ id, label, hint, error, isOwn = false, className = "", ...rest }: Props) {
  const [shown, setShown] = useState(false);
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error}>
      <span className="relative flex">
        <input id={id} type={shown ? "text" : "password"} autoComplete="off" autoCapitalize="none" spellCheck={false}
          {...(isOwn ? {} : NO_MANAGER)}
          className={`${INPUT} pr-9 phone:pr-12 ${className}`} aria-invalid={error ? true : undefined}
          aria-describedby={error || hint ? `${id}-note` : undefined} {...rest} />
        <IconButton label={`${shown ? "Hide" : "Show"} ${label.toLowerCase()}`} aria-pressed={shown}
          className="absolute inset-y-0.5 right-0.5 h-auto! min-h-0! w-7! phone:w-11!" onClick={() => setShown(!shown)}>
          <Icon name={shown ? "eyeOff" : "eye"} />
        </IconButton>
      </span>
    </FieldFrame>
  );
}
