import { Select } from "radix-ui";
import { cspNonce } from "../lib/csp";
import { INPUT } from "./field";
import { Icon } from "./icon";

export interface Choice {
  value: string;
  label: string;
  note?: string;
}

interface Props {
  id?: string;
  label?: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly Choice[];
  placeholder?: string;
  invalid?: boolean;
  className?: string;
}

/** A select in our own look, by keyboard as by pointer. */
export function Picker({
  id, label, value, onChange, choices, placeholder = "Choose…", invalid, className = "",
}: Props) {
  return (
    <Select.Root value={value} onValueChange={onChange}>
      <Select.Trigger
        {...(id ? { id } : {})}
        aria-label={label}
        aria-invalid={invalid || undefined}
        aria-describedby={id ? `${id}-note` : undefined}
        className={`${INPUT} inline-flex items-center justify-between gap-2 data-placeholder:text-faint ${className}`}
      >
        <span className="clip">
          <Select.Value placeholder={placeholder} />
        </span>
        <Select.Icon className="text-faint">
          <Icon name="chevron" size={14} />
        </Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Content
          position="popper"
          sideOffset={4}
          className="z-60 max-h-80 min-w-(--radix-select-trigger-width) overflow-hidden rounded-lg border
            border-edge bg-raised p-1 shadow-(--shadow)"
        >
          <Select.Viewport nonce={cspNonce()}>
            {choices.map((choice) => (
              <Select.Item
                key={choice.value}
                value={choice.value}
                className="flex min-h-8 cursor-default items-center justify-between gap-6 rounded-md px-2.5
                  outline-none data-highlighted:bg-selected data-[state=checked]:text-accent phone:min-h-11"
              >
                <Select.ItemText>{choice.label}</Select.ItemText>
                {choice.note && <span className="text-xs text-muted">{choice.note}</span>}
              </Select.Item>
            ))}
          </Select.Viewport>
        </Select.Content>
      </Select.Portal>
    </Select.Root>
  );
}
