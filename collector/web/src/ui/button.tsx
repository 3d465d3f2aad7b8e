import type { ButtonHTMLAttributes, Ref } from "react";

type Look = "solid" | "plain" | "quiet" | "danger";

const LOOK: Readonly<Record<Look, string>> = {
  solid: "bg-solid text-on-solid font-medium hover:opacity-95",
  plain: "border border-edge bg-surface text-text hover:bg-hover",
  quiet: "text-muted hover:bg-hover hover:text-text",
  danger: "bg-danger text-on-danger font-medium hover:opacity-95",
};

const BASE =
  "inline-flex items-center justify-center gap-1.5 rounded-md align-middle whitespace-nowrap select-none " +
  "transition-colors duration-100 disabled:opacity-50 forced-colors:border phone:min-h-11";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = "plain", className = "", type = "button", ...rest }: Props) {
  return <button type={type} className={`${BASE} h-8 px-3 ${LOOK[look]} ${className}`} {...rest} />;
}

/** A square button with an icon; its label is for screen readers and the tooltip. */
export function IconButton({ label, className = "", ...rest }: Props & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${BASE} size-8 phone:min-w-11 ${LOOK.quiet} ${className}`}
      {...rest}
    />
  );
}
