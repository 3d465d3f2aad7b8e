/** Which alerts a list shows, and how many there are of each kind. */
import type { Alert } from "../../lib/types";
import { SEVERITIES, SEVERITY_WORD, type Severity, severityOf, type Standing, STANDINGS, STANDING_WORD, standingOf } from "./standing";

export interface Choice {
  severity: Severity | undefined;
  /** Undefined: all that are open. */
  standing: Standing | undefined;
  query: string;
}

/** One rule, one device or one agent that the alerts are of. */
export interface About {
  rule?: string | undefined;
  device?: string | undefined;
  agent?: string | undefined;
}

export function isAbout(alert: Pick<Alert, "rule" | "device" | "agent">, { rule, device, agent }: About): boolean {
  return (!rule || alert.rule.id === rule) && (!device || alert.device?.id === device) && (!agent || alert.agent.id === agent);
}

export interface Tally {
  /** Of what else is chosen, by severity. */
  severity: Readonly<Record<Severity, number>>;
  standing: Readonly<Record<Standing, number>>;
}

function hay(alert: Alert, called: string, standing: Standing): string {
  const { rule, site, agent, device, tenant, object, object_name: part, summary, ack } = alert;
  return [called, rule.name, site.name, agent.name, device?.name ?? "", tenant.name, object, part ?? "", summary, ack?.by ?? "", ack?.note ?? "",
    SEVERITY_WORD[severityOf(alert)], STANDING_WORD[standing]].join("\n").toLowerCase();
}

/** Each word stands somewhere. `called` is the name of what it is about, as the pages show it. */
export function matches(alert: Alert, called: string, query: string, nowMs: number): boolean {
  const text = hay(alert, called, standingOf(alert, nowMs));
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Without a choice, all that are open. */
function isOf(standing: Standing, wanted: Standing | undefined): boolean {
  return wanted === undefined ? standing !== "resolved" : standing === wanted;
}

export function chosen(alerts: readonly Alert[], { severity, standing }: Choice, nowMs: number): Alert[] {
  return alerts.filter((alert) =>
    (!severity || severityOf(alert) === severity) && isOf(standingOf(alert, nowMs), standing));
}

const none = <K extends string>(keys: readonly K[]) => Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;

/** Each choice is counted within the other one: what a click on it would show. */
export function tally(alerts: readonly Alert[], { severity, standing }: Choice, nowMs: number): Tally {
  const found = { severity: none(SEVERITIES), standing: none(STANDINGS) };
  for (const alert of alerts) {
    const [how, bad] = [standingOf(alert, nowMs), severityOf(alert)];
    if (isOf(how, standing)) found.severity[bad] += 1;
    if (!severity || bad === severity) found.standing[how] += 1;
  }
  return found;
}

/**
 * The rows while a hand is on its way to one of them: none moves, none goes, none comes in between.
 * `key` stands for what was chosen: another choice is shown at once.
 */
export interface Rows {
  key: string;
  ids: readonly string[];
}

export function heldRows(kept: Rows, fresh: Rows, isHeld: boolean): Rows {
  return isHeld && kept.key === fresh.key && kept.ids.length > 0 ? kept : fresh;
}

/** How many have come since the rows are held. */
export function waiting(held: Rows, fresh: Rows): number {
  if (held === fresh) return 0;
  const shown = new Set(held.ids);
  return fresh.ids.filter((id) => !shown.has(id)).length;
}
