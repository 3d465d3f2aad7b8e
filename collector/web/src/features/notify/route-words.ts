/** Routes as sentences, and who is told of what by them. */
import { byName } from "../../lib/format";
import type { Channel, Route, Severity } from "./types";

/** The worst first. */
export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];

export const SEVERITY_WORD: Readonly<Record<Severity, string>> = { critical: "Critical", warning: "Warning", info: "Info" };

const LEAST_WORD: Readonly<Record<Severity, string>> = {
  critical: "Critical alerts", warning: "Alerts of warning or worse", info: "All alerts",
};

/** More names than these are told by their number. */
const NAMES_MAX = 3;

type Placed = Pick<Route, "sites" | "tags">;

function either(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** « of devices tagged «core» at Depot or Summit»; empty where it is all a tenant has. */
export function placeWords({ sites, tags }: Placed, siteName: (id: string) => string): string {
  const tagged = tags.length > 0 ? ` of devices tagged ${either(tags.map((tag) => `«${tag}»`))}` : "";
  if (sites.length === 0) return tagged;
  const named = sites.length > NAMES_MAX ? `one of ${sites.length} sites` : either(sites.map(siteName).toSorted(byName));
  return `${tagged} at ${named}`;
}

/** The sentence before the name of the channel: «Critical alerts at Depot go to». */
export function sentenceHead(route: Pick<Route, "severity" | "sites" | "tags">, siteName: (id: string) => string): string {
  return `${LEAST_WORD[route.severity]}${placeWords(route, siteName)} go to`;
}

/** The sentence behind it. */
export function sentenceTail({ on_resolved: resolved }: Pick<Route, "on_resolved">): string {
  return resolved ? ", and again when they are resolved." : ", not when they are resolved.";
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

export interface Told {
  channel: Channel;
  /** The routes that lead there where none is of all: of some sites or tags only. */
  parts: readonly Route[] | null;
}

/** The channels that are told of alerts of this severity, by name. Those that are off are told nothing. */
export function toldOf(severity: Severity, channels: readonly Channel[], routes: readonly Route[]): Told[] {
  const fits = routes.filter((route) => RANK[route.severity] <= RANK[severity]);
  const told = channels.filter(({ enabled }) => enabled).flatMap((channel) => {
    const own = fits.filter((route) => route.channel.id === channel.id);
    return own.length === 0 ? [] : [{ channel, parts: own.every(({ sites, tags }) => sites.length + tags.length > 0) ? own : null }];
  });
  return told.toSorted((a, b) => byName(a.channel.name, b.channel.name));
}

/** Not even what is critical reaches anybody. */
export function isNobodyTold(channels: readonly Channel[], routes: readonly Route[]): boolean {
  return toldOf("critical", channels, routes).length === 0;
}
