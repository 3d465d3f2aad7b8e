/** Batches that the collector would not take, in words and bytes. */
import { integer } from "../../lib/format";
import type { AgentRefused } from "../../lib/types";

/** The collector keeps no more of an agent. */
const KEPT = 100;

/** «3 batches refused for good»; empty where there is none. */
export function refusedLine(batches: number): string {
  if (batches === 0) return "";
  return `${integer(batches)}${batches >= KEPT ? " or more" : ""} ${batches === 1 ? "batch" : "batches"} refused for good`;
}

const CODE_WORDS: Readonly<Partial<Record<string, string>>> = {
  malformed: "it cannot be read, or breaks a limit",
  not_yours: "it is of a device that is not this agent's",
  unspecified: "no reason was given",
};

/** Why, by its code and in the collector's own words. */
export function refusedWords({ code, detail }: Pick<AgentRefused, "code" | "detail">): string {
  const word = CODE_WORDS[code] ?? code.replaceAll("_", " ");
  return detail ? `${word}: ${detail}` : word;
}

const PER_LINE = 16;
const isPrintable = (byte: number) => byte >= 0x20 && byte < 0x7f;

/** Bytes as programmers read them: where, in hex, as ASCII. Takes base64. */
export function hexLines(base64: string): string {
  const text = atob(base64);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += PER_LINE) {
    const bytes = Array.from(text.slice(at, at + PER_LINE), (sign) => sign.charCodeAt(0));
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(PER_LINE * 3 - 1);
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex}  ${bytes.map((byte) => (isPrintable(byte) ? String.fromCharCode(byte) : ".")).join("")}`);
  }
  return lines.join("\n");
}
