/** How far a scan is, and what is to be said of a host that it found. */
import { adviceAfter } from "../../lib/advice";
import { causeWord } from "../../lib/state";
import type { Scan, ScanHost } from "../../lib/types";

const WORD: Readonly<Record<Scan["state"], string>> = {
  running: "Scanning…", waiting: "Waiting for the agent", done: "Done", failed: "Failed", cancelled: "Cancelled",
};

export function scanWord(state: Scan["state"]): string {
  return WORD[state];
}

/** Why no credential works, and what to do; null where one does. */
export function whyNot({ snmp: { works, cause, advice } }: ScanHost): string | null {
  if (works) return null;
  const word = causeWord(cause);
  if (!word) return advice;
  const head = `${word[0]?.toUpperCase()}${word.slice(1)}.`;
  return advice ? `${head} ${adviceAfter(word, advice)}` : head;
}
