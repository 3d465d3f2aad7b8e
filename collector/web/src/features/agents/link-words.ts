/** What happened to the sessions of an agent, in words. */
import type { AgentLink } from "../../lib/types";
import { notQuic, transportWord } from "./link";

const ENDED: Readonly<Partial<Record<string, string>>> = {
  replaced: "a newer session took its place",
  closed: "the line or the agent broke it off",
  stopped: "the agent was stopped in order",
  revoked: "the agent was revoked",
  collector_ended: "the collector was stopped or killed",
};

/** Without its port: that says nothing to people. */
export function hostOf(address: string): string {
  const end = address.lastIndexOf(":");
  // An IPv6 address without a port has more colons, and no brackets.
  const hasPort = end > 0 && (address.startsWith("[") ? address[end - 1] === "]" : address.indexOf(":") === end);
  return hasPort ? address.slice(0, end).replace(/^\[|\]$/g, "") : address;
}

/** A restart in order, a hand-over to another transport and a new certificate take less. */
const AWAY_MS = 10_000;

type Told = Pick<AgentLink, "at" | "event" | "transport" | "remote_addr" | "reason">;

/** Why it ended. Nobody is told that one was closed in order: the next one comes at once then. */
function endedWords(reason: string, isAway: boolean, isBack: boolean): string {
  if (reason === "closed" && !isAway) return isBack ? "Ended: the next one began within seconds" : "Ended";
  return `Ended: ${ENDED[reason] ?? reason.replaceAll("_", " ")}`;
}

/** «Connected by QUIC from 203.0.113.7», «Ended: the agent was stopped in order»; rough is what is not as it should be: no QUIC, or broken off. */
export function linesOf<T extends Told>(newestFirst: readonly T[], nowMs: number): { link: T; words: string; isRough: boolean }[] {
  let backAt: number | null = null;
  return newestFirst.map((link) => {
    const { event, transport, remote_addr: remote, reason } = link;
    const at = Date.parse(link.at);
    if (event === "opened") {
      backAt = at;
      const why = notQuic({ transport, transport_reason: reason, proxied: false });
      return { link, words: `Connected by ${transportWord(transport)} from ${hostOf(remote)}${why ? `: ${why.word}` : ""}`, isRough: transport !== "quic" };
    }
    if (event === "moved") return { link, words: `Went on from ${hostOf(remote)}`, isRough: false };
    const isAway = (backAt ?? nowMs) - at > AWAY_MS;
    return { link, words: reason ? endedWords(reason, isAway, backAt !== null) : "Ended", isRough: reason === "closed" && isAway };
  });
}
