import type { ReactNode } from "react";

type Tone = "plain" | "accent" | "warn";

const TONE: Readonly<Record<Tone, string>> = {
  plain: "border-line text-muted",
  accent: "border-accent text-accent",
  warn: "border-edge bg-degraded-soft text-degraded",
};

/** A word on a row, such as what somebody is. */
export function Tag({ children, tone = "plain", title }: { children: ReactNode; tone?: Tone; title?: string }) {
  return (
    <span title={title} className={`inline-flex items-center rounded-full border px-2 text-xs whitespace-nowrap ${TONE[tone]}`}>
      {children}
    </span>
  );
}
