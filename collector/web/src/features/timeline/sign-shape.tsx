import type { Sign, Tone } from "./kinds";

export const TONE: Readonly<Record<Tone, string>> = {
  up: "text-up", degraded: "text-degraded", down: "text-down", unknown: "text-unknown", accent: "text-accent",
};

/** Shapes that differ without colour. */
export function SignShape({ sign: { shape, tone }, count = 0, size = 14 }: { sign: Sign; count?: number; size?: number }) {
  const line = { fill: "none", stroke: "currentColor", strokeWidth: 1.7, strokeLinecap: "round", strokeLinejoin: "round" } as const;
  if (shape === "many") {
    return (
      <span aria-hidden="true" className={`inline-flex h-4 min-w-4 items-center justify-center rounded-full border bg-bg px-1 text-2xs font-semibold ${TONE[tone]}`}>
        {count}
      </span>
    );
  }
  return (
    <svg className={`${TONE[tone]} shrink-0`} width={size} height={size} viewBox="0 0 14 14" fill="currentColor" aria-hidden="true">
      {shape === "triangle" && <path d="M7 1.500 13 12.500H1Z" />}
      {shape === "octagon" && <path d="M4.500 1h5L13 4.500v5L9.500 13h-5L1 9.500v-5Z" />}
      {shape === "square" && <rect x="1.700" y="1.700" width="10.600" height="10.600" rx="1.700" />}
      {shape === "ring" && <path d="M7 1.700a5.300 5.300 0 1 0 .01 0ZM7 6.500v3.200M7 4.200h.01" {...line} />}
      {shape === "check" && <path d="M2.500 7.500 5.800 11 11.500 3.500" {...line} strokeWidth={2.200} />}
      {shape === "dot" && <path d="M7 2.200a4.800 4.800 0 1 0 .01 0Z" />}
      {shape === "diamond" && <path d="M7 .8 13.200 7 7 13.200.8 7Z" />}
      {shape === "cross" && <path d="M3 3l8 8M11 3l-8 8" {...line} strokeWidth={2.200} />}
      {shape === "key" && <path d="M9 1.500a3.500 3.500 0 1 0 .01 0ZM6.300 7.600 1.800 12.200M3.800 10.300l1.700 1.700" {...line} />}
      {shape === "late" && <path d="M7 1.500 13 12.500H1ZM7 5.500v3.200l2 1.300" {...line} />}
      {shape === "turn" && <path d="M11.500 4.500A5.200 5.200 0 1 0 12.200 8M12 1.500v3.200H8.800" {...line} />}
    </svg>
  );
}
