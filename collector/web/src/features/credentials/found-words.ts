/** What became of each credential that was tried, in words. */
import { adviceAfter } from "../../lib/advice";
import { percent, shortModel, threeFigures } from "../../lib/format";
import { causeHint, causeWord } from "../../lib/state";
import type { Found } from "../../lib/types";

export type Outcome = Found["outcomes"][number];

/** Whose credential it was. */
export function outcomeName({ profile, version }: Outcome): string {
  return `${profile?.name ?? "What is typed above"} · ${version}`;
}

/** What the device said of itself, or why it did not take it and what to do. */
export function outcomeWords({ ok, cause, advice, rtt_ms: rtt, sys_name: name, sys_descr: descr, address }: Outcome): string {
  if (ok) return [name, descr && shortModel(descr), address && `at ${address}`, rtt !== null && `${threeFigures(rtt)} ms`].filter(Boolean).join(" · ");
  const word = causeWord(cause) ?? "no answer that can be used";
  const from = cause === "other_source" && address ? ` (${address})` : "";
  return `${word[0]?.toUpperCase()}${word.slice(1)}${from}. ${advice ? adviceAfter(word, advice) : (causeHint(cause) ?? "")}`.trim();
}

/** Why one that works cannot be had by choosing it: the device would be asked with another one. */
export function closerWords({ ok, in_force: inForce, instead }: Outcome): string | null {
  if (!ok || inForce) return null;
  return `The profile «${instead?.name ?? ""}» is closer to this device and would be used instead. Type this credential above as the device's own, or change whom «${instead?.name ?? ""}» is for.`;
}

/** Names in one sentence. */
const NAMES = 5;

function namesOf(profiles: readonly { name: string }[]): string {
  const names = profiles.slice(0, NAMES).map(({ name }) => `«${name}»`).join(", ");
  return profiles.length > NAMES ? `${names} and ${profiles.length - NAMES} more` : names;
}

/** Profiles in reach that were not tried, by the reason: what to do about it. */
export function leftOutWords({ left_out: left, candidates }: Found): string[] {
  const of = (wanted: string) => left.filter(({ reason }) => reason === wanted).map(({ profile }) => profile);
  const [damaged, many] = [of("damaged"), of("too_many")];
  const words: string[] = [];
  if (damaged.length > 0) words.push(`Not tried, as what is stored cannot be read: ${namesOf(damaged)}. Give the credential anew on the Credentials page.`);
  if (many.length > 0) words.push(`Not tried, as one search tries ${candidates} at most: ${namesOf(many)}. Give the device a tag, or type the credential above.`);
  return words;
}

/** Causes of which no answer is at the bottom. */
const SILENT: ReadonlySet<string> = new Set(["timeout", "unreachable", "unresolved", "no_interface", "budget"]);

/** What to do where none of them works. */
export function noneWorks({ outcomes, candidates, not_tried: left, ping }: Found): string | null {
  if (outcomes.some(({ ok }) => ok)) return null;
  if (candidates === 0) return "There is nothing to try: type a credential above, or make a credential profile for this site.";
  const rest = left > 0 ? ` ${left} more ${left === 1 ? "was" : "were"} not tried to ${left === 1 ? "its" : "their"} end: the time was up.` : "";
  if (outcomes.some(({ cause }) => cause !== null && !SILENT.has(cause))) {
    return `None works.${rest} It answers over SNMP, and says above what it does not like.`;
  }
  if (ping?.ok) return `None works.${rest} The host is there, it answers echo requests: check its SNMP service and what it lets in.`;
  return `None works.${rest} The host does not answer echo requests either: check the address first.`;
}

export function echoWords({ ping }: Found): string | null {
  if (!ping || ping.sent === 0) return null;
  if (ping.received === 0) return "It does not answer echo requests.";
  const lost = ping.loss_percent ? `, ${percent(ping.loss_percent / 100)} % lost` : "";
  return `It answers echo requests${ping.rtt_ms === null ? "" : ` in ${threeFigures(ping.rtt_ms)} ms`}${lost}.`;
}
