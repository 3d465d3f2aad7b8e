/** A far look-out: two horizons and a line of sight. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <g stroke="currentColor" strokeLinecap="round" strokeWidth="2.8" className="text-accent">
        <path d="M4 23a12 12 0 0 1 24 0" opacity=".5" />
        <path d="M10 23a6 6 0 0 1 12 0" />
      </g>
      <path d="M16 23 25.5 7.5" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
      <circle cx="16" cy="23" r="2.8" fill="currentColor" />
    </svg>
  );
}

/** The name in drawn strokes, so that it looks the same on every system. */
export function Wordmark({ height = 15 }: { height?: number }) {
  return (
    <svg
      height={height}
      viewBox="0 0 158 30"
      fill="none"
      stroke="currentColor"
      strokeWidth="3.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      role="img"
      aria-label="Farwatch"
    >
      <path d="M4 26V4h13M4 14.500h11" />
      <path d="M36 26V12m0 7a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z" />
      <path d="M44 26V12m0 6c0-3.500 2.500-6 7-6" />
      <path d="m56 12 4.500 14L66 13l5.500 13L76 12" />
      <path d="M96 26V12m0 7a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z" />
      <path d="M106 5v16.500c0 3 1.700 4.500 4.500 4.500h1.500M102 12h9" />
      <path d="M131 14.500a7 7 0 1 0 0 9" />
      <path d="M139 3v23m0-8c0-3.800 2.400-6 5.800-6s5.700 2.200 5.700 6v8" />
    </svg>
  );
}
