/** What carries an agent's session, in words. */
import { NONE, percent, threeFigures } from "../../lib/format";
import { isClockOff } from "../../lib/state";
import type { Agent } from "../../lib/types";

type Link = Pick<Agent, "transport" | "transport_reason" | "proxied">;

interface Reason {
  word: string;
  hint: string;
}

const UDP = "let UDP out to port 443 of the collector, and its answers back in";

const REASONS: Readonly<Record<string, Reason>> = {
  udp_blocked: {
    word: "UDP blocked",
    hint: `QUIC runs over UDP, and no answer comes back over it. In the site's firewall, ${UDP}. The agent tries again by itself and then goes back to QUIC.`,
  },
  quic_died: {
    word: "QUIC broke off",
    hint: `QUIC worked and then fell silent: a firewall may forget UDP too soon, or limit it. There, ${UDP}, and keep idle UDP for 60 s or more. The agent tries again by itself.`,
  },
  lossy: {
    word: "QUIC lost too much",
    hint: "Over QUIC too many packets were lost: the line may be full, or it slows UDP down. The agent tries again by itself.",
  },
};

const PROXIED: Reason = {
  word: "HTTP proxy",
  hint: "The agent goes through an HTTP proxy, which carries TCP alone. For QUIC, let UDP port 443 out to the collector past the proxy.",
};

export function transportWord(transport: string | null): string {
  return transport ? transport.toUpperCase() : NONE;
}

/** Why it is not QUIC; null where it is, or where nobody knows. */
export function notQuic({ transport, transport_reason: reason, proxied }: Link): Reason | null {
  if (transport === null || transport === "quic") return null;
  // A reason of a newer agent: its name is plain enough.
  if (reason) return REASONS[reason] ?? { word: reason.replaceAll("_", " "), hint: "" };
  return proxied ? PROXIED : null;
}

/** «UDP blocked, by proxy»: what stands beside the transport in a table. */
export function linkNote(link: Link): string {
  const words = [notQuic(link)?.word, link.transport && link.proxied && "by proxy"].filter(Boolean);
  return words.join(", ").replace("HTTP proxy, by proxy", "by proxy");
}

export function inMs(value: number | null): string {
  return value === null ? NONE : `${threeFigures(value)} ms`;
}

export function inPercent(value: number | null): string {
  return value === null ? NONE : `${percent(value / 100)} %`;
}

export const AWAY = "not known while it is away";

/** Why nobody knows what its line loses. */
export function lostWords({ transport }: Pick<Agent, "transport">, isHere: boolean): string {
  if (!isHere || transport === null) return AWAY;
  return transport === "quic" ? "too few packets so far" : `${transportWord(transport)} does not tell`;
}

/** From here on the collector puts the times of samples right. */
const CORRECTED_MS = 60_000;

function isCorrected(aheadMs: number): boolean {
  return Math.abs(aheadMs) > CORRECTED_MS;
}

export function clockWords(aheadMs: number | null): string {
  if (aheadMs === null) return "";
  const off = Math.abs(aheadMs);
  if (!isClockOff(aheadMs)) return "Its clock is right.";
  const by = off < 120_000 ? `${Math.round(off / 1000)} s` : `${Math.round(off / 60_000)} min`;
  const words = `Its clock is ${by} ${aheadMs > 0 ? "ahead" : "behind"}: set up NTP there.`;
  return isCorrected(aheadMs) ? `${words} Until then its times are put right as they arrive.` : words;
}
