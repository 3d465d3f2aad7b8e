import type { ReactNode } from "react";
import { SEVERITY_WORD, type Severity, STANDING_NOTE, STANDING_WORD, type Standing } from "./standing";

const SEVERITY_TONE: Readonly<Record<Severity, string>> = {
  critical: "text-down", warning: "text-degraded", info: "text-accent",
};

const STANDING_TONE: Readonly<Record<Standing, string>> = {
  firing: "text-text font-medium", pending: "text-unknown", acknowledged: "text-accent", silenced: "text-muted", resolved: "text-up",
};

function Shape({ tone, size, children }: { tone: string; size: number; children: ReactNode }) {
  return (
    <svg className={`${tone} shrink-0`} width={size} height={size} viewBox="0 0 12 12" fill="none" stroke="currentColor"
      strokeWidth="1.500" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

/** Three shapes that differ without colour: octagon, triangle, ring with a dot. */
export function SeverityShape({ severity, size = 12, tone = SEVERITY_TONE[severity] }: { severity: Severity; size?: number; tone?: string }) {
  return (
    <Shape tone={tone} size={size}>
      {severity === "critical" && <path fill="currentColor" d="M3.900 1h4.200L11 3.900v4.200L8.100 11H3.900L1 8.100V3.900Z" />}
      {severity === "warning" && <path fill="currentColor" d="M6 1.700 11 10.300H1Z" />}
      {severity === "info" && <><circle cx="6" cy="6" r="4.600" /><path d="M6 5.600v2.600M6 3.700h.01" /></>}
    </Shape>
  );
}

/** Filled where nobody looks after it; the others are lines. How bad it is, the colour of the severity beside it says. */
export function StandingShape({ standing, size = 12 }: { standing: Standing; size?: number }) {
  return (
    <Shape tone={STANDING_TONE[standing]} size={size}>
      {standing === "firing" && <><circle cx="6" cy="6" r="2.400" fill="currentColor" /><circle cx="6" cy="6" r="5" strokeWidth="1.200" /></>}
      {standing === "pending" && <circle cx="6" cy="6" r="4.600" strokeDasharray="2.300 1.900" />}
      {standing === "acknowledged" && <><circle cx="6" cy="4" r="2.300" /><path d="M1.700 11c.4-2.500 2-3.700 4.300-3.700s3.900 1.200 4.300 3.700" /></>}
      {standing === "silenced" && <path d="M2.500 8.500h7c-1-1-1.200-2-1.200-3.500a2.300 2.300 0 0 0-4.600 0c0 1.500-.2 2.500-1.200 3.500ZM5 10.500h2M1.500 1.500l9 9" />}
      {standing === "resolved" && <path d="M2 6.500 4.800 9.200 10 3.200" />}
    </Shape>
  );
}

/** `isOver`: it was so bad, and nothing of it calls any more. */
export function SeverityBadge({ severity, isOver = false }: { severity: Severity; isOver?: boolean }) {
  const tone = isOver ? "text-muted" : SEVERITY_TONE[severity];
  return (
    <span className="inline-flex items-center gap-1.5" data-severity={severity} data-over={isOver || undefined}>
      <SeverityShape severity={severity} tone={tone} />
      <span className={`${tone} ${severity === "info" || isOver ? "" : "font-medium"}`}>{SEVERITY_WORD[severity]}</span>
    </span>
  );
}

/** `note` stands behind the word: who looks after it, until when it is silent. */
export function StandingBadge({ standing, note }: { standing: Standing; note?: string | null | undefined }) {
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle" data-standing={standing} title={STANDING_NOTE[standing]}>
      <StandingShape standing={standing} />
      <span className={STANDING_TONE[standing]}>{STANDING_WORD[standing]}</span>
      {note && <span className="clip text-muted" title={note}>{note}</span>}
    </span>
  );
}
