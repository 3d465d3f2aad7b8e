/** What a tenant may have, and how near it is to that. */
import { integer } from "../../lib/format";
import type { Quota } from "../../lib/types";

export const KINDS = ["agents", "devices", "series", "api_per_second"] as const;
export type Kind = (typeof KINDS)[number];

export const WORDS: Readonly<Record<Kind, { label: string; note: string }>> = {
  agents: { label: "Agents", note: "Those that are not revoked." },
  devices: { label: "Devices", note: "All that are polled." },
  series: { label: "Series", note: "Metrics of ports and devices." },
  api_per_second: { label: "API requests a second", note: "Its API keys share them; what people do on these pages is not counted." },
};

/** From here on it is worth a word. */
const NEAR = 0.8;

export type Fill = "free" | "near" | "full";

type Allowance = Quota[Kind];

export function share({ used, limit }: Allowance): number {
  if (used === null) return 0;
  return limit === 0 ? 1 : Math.min(1, used / limit);
}

export function fillOf(allowance: Allowance): Fill {
  const part = share(allowance);
  return part >= 1 ? "full" : part >= NEAR ? "near" : "free";
}

export function usage({ used, limit }: Allowance): string {
  return used === null ? `at most ${integer(limit)}` : `${integer(used)} of ${integer(limit)}`;
}

/** What is sent: an empty field is the default, null; what is no number is said where it stands. */
export function parseLimit(text: string): number | null | "wrong" {
  const plain = text.trim();
  if (plain === "") return null;
  return /^\d{1,9}$/.test(plain) ? Number(plain) : "wrong";
}
