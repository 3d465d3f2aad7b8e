import { encode } from "uqr";

/** Modules of white around it, without which cameras do not find it. */
const BORDER = 4;

/** A QR code, made here: what it says is a secret. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: "M", border: BORDER });
  const dark = data.flatMap((line, y) => line.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges"
      className="size-52 rounded-md bg-paper text-ink">
      <path d={dark.join("")} fill="currentColor" />
    </svg>
  );
}
