/** What happened to the sessions of an agent, in words. */
import type { AgentLink } from "../../lib/types";
import { notQuic, transportWord } from "./link";

const ENDED: Readonly<Partial<Record<string, string>>> = {
  replaced: "a newer session took its place",
  closed: "the line or the agent broke it off",
  stopped: "the agent was stopped in order",
  revoked: "the agent was revoked",
};

/** Without its port: that says nothing to people. */
export function hostOf(address: string): string {
  const end = address.lastIndexOf(":");
  // An IPv6 address without a port has more colons, and no brackets.
  const hasPort = end > 0 && (address.startsWith("[") ? address[end - 1] === "]" : address.indexOf(":") === end);
  return hasPort ? address.slice(0, end).replace(/^\[|\]$/g, "") : address;
}

/** «Connected by QUIC from 203.0.113.7», «Ended: the agent was stopped in order». */
export function eventWords({ event, transport, remote_addr: remote, reason }: Pick<AgentLink, "event" | "transport" | "remote_addr" | "reason">): string {
  if (event === "moved") return `Went on from ${hostOf(remote)}`;
  if (event === "ended") return `Ended${reason ? `: ${ENDED[reason] ?? reason.replaceAll("_", " ")}` : ""}`;
  const why = notQuic({ transport, transport_reason: reason, proxied: false });
  return `Connected by ${transportWord(transport)} from ${hostOf(remote)}${why ? `: ${why.word}` : ""}`;
}

/** Not as it should be: no QUIC, or broken off. */
export function isRough({ event, transport, reason }: Pick<AgentLink, "event" | "transport" | "reason">): boolean {
  return event === "opened" ? transport !== "quic" : event === "ended" && reason === "closed";
}
