/** Whether what agents measure gets here: of one, and of all in a line. */
import { compact, counted, duration, integer } from "../../lib/format";
import { isBackfilling, isClockOff, shownAgent, silentS } from "../../lib/state";
import type { Agent } from "../../lib/types";

type Told = Pick<Agent, "state" | "last_seen_at" | "revoked_at" | "buffer" | "lost_24h" | "clock_offset_ms">;

export interface Trouble {
  isAway: boolean;
  isSilent: boolean;
  /** Seconds that the oldest of what it still keeps is behind; null where it keeps up. */
  behindS: number | null;
  gaps: number;
  samples: number;
  isClockOff: boolean;
}

/** Null where all is well, and of agents of which nothing is awaited: those that were revoked or never came. */
export function troubleOf(agent: Told, nowMs: number): Trouble | null {
  if (agent.revoked_at || !agent.last_seen_at) return null;
  const state = shownAgent(agent, nowMs);
  const isAway = state !== "up" && state !== "degraded";
  const oldest = agent.buffer?.oldest_at;
  const behindS = !isAway && oldest && isBackfilling(agent, nowMs) ? (nowMs - Date.parse(oldest)) / 1000 : null;
  const { gaps, samples } = agent.lost_24h;
  const isSilent = silentS(agent, nowMs) !== null;
  const trouble = { isAway, isSilent, behindS, gaps, samples, isClockOff: isClockOff(agent.clock_offset_ms) };
  return isAway || isSilent || behindS !== null || gaps > 0 || trouble.isClockOff ? trouble : null;
}

export interface Health {
  isWell: boolean;
  /** What is wrong, the worst first; or that nothing is. Empty where there is no agent. */
  words: string;
  /** The same for where there is little room. */
  brief: string;
}

export function healthOf(agents: readonly Told[], nowMs: number): Health {
  const awaited = agents.filter((agent) => !agent.revoked_at && agent.last_seen_at).length;
  const troubles = agents.flatMap((agent) => troubleOf(agent, nowMs) ?? []);
  if (troubles.length === 0) {
    const words = awaited === 0 ? "" : awaited === 1 ? "The agent delivers" : `All ${integer(awaited)} agents deliver`;
    return { isWell: true, words, brief: words };
  }
  const away = troubles.filter(({ isAway }) => isAway).length;
  const silent = troubles.filter(({ isSilent }) => isSilent).length;
  const behind = troubles.flatMap(({ behindS }) => behindS ?? []);
  const clocks = troubles.filter(({ isClockOff: isOff }) => isOff).length;
  const losers = troubles.filter(({ gaps }) => gaps > 0).length;
  const samples = troubles.reduce((sum, one) => sum + one.samples, 0);
  const words = [
    away > 0 && `${counted(away, "agent")} away`,
    silent > 0 && `${counted(silent, "agent")} silent`,
    behind.length > 0 && `${counted(behind.length, "agent")} behind by ${duration(Math.max(...behind))}`,
    losers > 0 && (samples > 0 ? `${counted(samples, "sample")} lost in 24 h` : `${counted(losers, "agent")} lost data in 24 h`),
    clocks > 0 && `${counted(clocks, "clock")} wrong`,
  ];
  const brief = [
    away > 0 && `${integer(away)} away`,
    silent > 0 && `${integer(silent)} silent`,
    behind.length > 0 && `${integer(behind.length)} behind`,
    losers > 0 && (samples > 0 ? `${compact(samples)} lost` : `${integer(losers)} lost data`),
    clocks > 0 && counted(clocks, "clock"),
  ];
  return { isWell: false, words: words.filter(Boolean).join(" · "), brief: brief.filter(Boolean).join(" · ") };
}
