import type { ReactNode } from "react";
import { Button } from "./button";
import { Icon } from "./icon";

interface Props {
  children: ReactNode;
  on: boolean;
  onChange: (on: boolean) => void;
  title?: string;
  className?: string;
}

/** Something that is on or off, and looks so: a box beside the word, with a tick in it. */
export function Toggle({ children, on, onChange, title, className = "" }: Props) {
  return (
    <Button aria-pressed={on} title={title} className={`${on ? "border-accent! bg-selected!" : ""} ${className}`}
      onClick={() => onChange(!on)}>
      <span aria-hidden="true" className={`inline-flex size-3.5 items-center justify-center rounded-sm border ${
        on ? "border-accent bg-accent text-on-solid" : "border-control"}`}>
        {on && <Icon name="check" size={12} />}
      </span>
      {children}
    </Button>
  );
}
