/** Which events are shown: groups of kinds, as chips and in the URL. */
import type { Item, Kind } from "../timeline/kinds";

export const GROUPS = [
  { id: "state", word: "States", kinds: ["state_changed"] },
  { id: "alert", word: "Alerts", kinds: ["alert_fired", "alert_resolved", "fired_unseen"] },
  { id: "config", word: "Config", kinds: ["config_changed", "config_failed"] },
  { id: "key", word: "Host key", kinds: ["host_key_changed"] },
  { id: "reboot", word: "Restarts", kinds: ["reboot"] },
] as const satisfies readonly { id: string; word: string; kinds: readonly Kind[] }[];

export type GroupId = (typeof GROUPS)[number]["id"];

/** Null for a kind that a newer server tells of: it is never hidden. */
export function groupOf({ kind }: Pick<Item, "kind">): GroupId | null {
  return GROUPS.find(({ kinds }) => (kinds as readonly string[]).includes(kind))?.id ?? null;
}

/** As it stands in the URL: «state,alert»; nothing that is known means all. */
export function parseKinds(text: string | undefined): ReadonlySet<GroupId> {
  const known = (text ?? "").split(",").flatMap((one) => GROUPS.find(({ id }) => id === one)?.id ?? []);
  return new Set(known.length > 0 ? known : GROUPS.map(({ id }) => id));
}

/** From all, one alone; the last one that is taken away brings all back. */
export function toggled(shown: ReadonlySet<GroupId>, id: GroupId): string | undefined {
  const next = new Set(shown.size === GROUPS.length ? [id] : shown);
  if (shown.size < GROUPS.length && !next.delete(id)) next.add(id);
  if (next.size === 0 || next.size === GROUPS.length) return undefined;
  return GROUPS.filter((one) => next.has(one.id)).map((one) => one.id).join(",");
}

export function kept<T extends Pick<Item, "kind">>(items: readonly T[], shown: ReadonlySet<GroupId>): T[] {
  return items.filter((item) => {
    const group = groupOf(item);
    return group === null || shown.has(group);
  });
}
