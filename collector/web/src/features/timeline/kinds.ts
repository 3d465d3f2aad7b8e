/** What happens to a device, in words, shapes and colours. */
import type { paths } from "../../api.gen";

type Answer = paths["/api/v1/devices/{id}/timeline"]["get"]["responses"][200]["content"]["application/json"];
export type Item = Answer["data"]["items"][number];
export type Kind = Item["kind"];

export type Shape = "triangle" | "check" | "diamond" | "cross" | "key" | "turn" | "late" | "dot" | "square" | "octagon" | "ring" | "many";
export type Tone = "up" | "degraded" | "down" | "unknown" | "accent";

export interface Sign {
  word: string;
  shape: Shape;
  tone: Tone;
}

const SIGNS: Readonly<Record<Exclude<Kind, "alert_fired" | "state_changed">, Sign>> = {
  alert_resolved: { word: "Resolved", shape: "check", tone: "up" },
  config_changed: { word: "Config", shape: "diamond", tone: "accent" },
  config_failed: { word: "Backup", shape: "cross", tone: "degraded" },
  host_key_changed: { word: "Host key", shape: "key", tone: "down" },
  reboot: { word: "Reboot", shape: "turn", tone: "degraded" },
  fired_unseen: { word: "Came late", shape: "late", tone: "unknown" },
};

export function signOf({ kind, severity, state }: Pick<Item, "kind" | "severity" | "state">): Sign {
  if (kind === "state_changed") return { word: "State", shape: state === "down" ? "square" : "dot", tone: TONES.find((tone) => tone === state) ?? "unknown" };
  // The shapes that severities and states have on every page; a warning and a degraded device stay apart.
  if (kind === "alert_fired") {
    if (severity === "critical") return { word: "Alert", shape: "octagon", tone: "down" };
    return severity === "info" ? { word: "Alert", shape: "ring", tone: "unknown" } : { word: "Alert", shape: "triangle", tone: "degraded" };
  }
  // A collector that is newer than this page may tell of more.
  const known: Readonly<Partial<Record<string, Sign>>> = SIGNS;
  return known[kind] ?? { word: kind.replaceAll("_", " "), shape: "dot", tone: "unknown" };
}

const TONES: readonly Tone[] = ["up", "degraded", "down", "unknown"];
const WEIGHT: readonly Tone[] = ["down", "degraded", "accent", "up", "unknown"];

/** One sign for several: the worst of their colours, and their number. */
export function signOfAll(items: readonly Item[]): Sign {
  const [first] = items;
  if (first && items.length === 1) return signOf(first);
  const tone = WEIGHT.find((one) => items.some((item) => signOf(item).tone === one)) ?? "unknown";
  return { word: `${items.length} events`, shape: "many", tone };
}

/** Why a fetch failed stands in it by its name: `port_closed` is read as words, and that of another host key is said before. */
export function textOf({ kind, text }: Pick<Item, "kind" | "text">): string {
  if (kind === "host_key_changed") return text.replace(" (host_key)", "");
  return kind === "config_failed" ? text.replace(/\([a-z_]+\)/, (name) => name.replaceAll("_", " ")) : text;
}

/** Where an event leads to; null: nowhere. */
export function hrefOf({ version, alert, kind }: Pick<Item, "version" | "alert" | "kind">, device: string): string | null {
  if (version) return `/config/${version}`;
  if (alert) return `/alerts/${alert}`;
  return kind === "config_failed" || kind === "host_key_changed" ? `/devices/${device}?tab=config` : null;
}
