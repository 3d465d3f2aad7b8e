/** What the palette leads to, from what is loaded. */
import { COMMAND_IDS, type CommandId, COMMANDS, keyCaps } from "../../lib/command-catalog";
import type { Command } from "../../lib/commands";
import type { Tenant } from "../../lib/scope";
import type { Agent, Alert, Device, Rule, Site, SavedView } from "../../lib/types";
import type { Group as Settings, Section } from "../settings/sections";
import type { Target } from "./rank";

const list = (...words: readonly (string | null | undefined)[]) => words.filter(Boolean);

/** `name`: as the pages call it. */
export function deviceTarget(device: Device, name: string, isMixed: boolean): Target {
  const { id, address, model, site, tenant, sys_name: own, tags } = device;
  return {
    id: `device:${id}`, group: "Devices", title: name,
    detail: list(address, model, site.name, isMixed && tenant.name ? tenant.name : null).join(" · "),
    words: list(address, device.name, own, model, site.name, tenant.name, ...tags).join("\n"), href: `/devices/${id}`,
  };
}

export function agentTarget({ id, site, tenant, version }: Agent, name: string): Target {
  return {
    id: `agent:${id}`, group: "Agents", title: name, detail: `${site.name} · ${tenant.name}`, words: version ?? "",
    href: `/agents/${id}`,
  };
}

export function alertTarget(alert: Alert, called: string): Target {
  return {
    id: `alert:${alert.id}`, group: "Open alerts", title: alert.summary, detail: `${called} · ${alert.rule.name}`,
    words: list(alert.severity, alert.site.name, alert.tenant.name, alert.object, alert.object_name).join("\n"), href: `/alerts/${alert.id}`,
  };
}

export function siteTarget({ id, name, tenant }: Site): Target {
  return {
    id: `site:${id}`, group: "Sites", title: name, detail: tenant.name,
    href: `/sites/${id}`,
  };
}

export function ruleTarget({ id, name, tenant }: Rule): Target {
  return { id: `rule:${id}`, group: "Alert rules", title: name, detail: tenant.name, href: `/alerts/rules/${id}` };
}

export function viewTarget({ name, path }: SavedView): Target {
  return { id: `view:${name}`, group: "Saved views", title: name, detail: path.replace(/\?.*/, "").slice(1), href: path };
}

export function tenantTargets(tenants: readonly Tenant[], chosen: string | null, choose: (id: string | null) => void): Target[] {
  if (tenants.length < 2) return [];
  const all = [{ id: null, name: "All tenants" }, ...tenants];
  return all.filter(({ id }) => id !== chosen).map(({ id, name }) => ({
    id: `tenant:${id ?? "all"}`, group: "Tenants", title: name, detail: "Show this alone", run: () => choose(id),
  }));
}

/** In the order of the catalog: what a page can do before what every page can. What moves about on it is for the keys alone. */
export function commandTargets(commands: readonly Command[]): Target[] {
  const asked = commands.filter(({ isMove, group }) => !isMove && group !== "Go to");
  return asked.toSorted((a, b) => COMMAND_IDS.indexOf(a.id) - COMMAND_IDS.indexOf(b.id)).map(({ id, title, group, keys, run }) => ({
    id: `command:${id}`, group: "Actions", title, words: group, run, keys: keys && keyCaps(keys).join(" "),
  }));
}

/** Title, address, other words for it, and the command that leads there, whose key it shows. */
const PAGES: readonly [string, string, string, CommandId?][] = [
  ["Now", "/", "home incidents what is wrong", "go.now"], ["Sites", "/sites", "places", "go.sites"],
  ["Fleet", "/fleet", "devices table", "go.fleet"], ["Alerts", "/alerts", "inbox incidents", "go.alerts"], ["Alert rules", "/alerts/rules", ""],
  ["Config", "/config", "configurations backup", "go.config"], ["Search in Config", "/config/search", "grep find"],
  ["Config jobs", "/config/jobs", "fetches"], ["Agents", "/agents", "collectors", "go.agents"], ["Settings", "/settings", "", "go.settings"],
];
const OF_SETTINGS: Readonly<Partial<Record<Section["to"], CommandId>>> = { "/settings/api-keys": "go.keys" };

const keysOf = (id: CommandId | undefined) => id && COMMANDS[id].keys;

export function pageTargets(settings: readonly Settings[]): Target[] {
  const pages = PAGES.map(([title, href, words, id]): Target =>
    ({ id: `page:${href}`, group: "Pages", title, words, href, keys: keysOf(id) }));
  const sections = settings.flatMap(({ label, sections: all }) => all.map((section): Target => ({
    id: `page:${section.to}`, group: "Settings", title: section.label, detail: label, href: section.to, keys: keysOf(OF_SETTINGS[section.to]),
  })));
  return [...pages, ...sections];
}
