import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useSyncExternalStore } from "react";
import { serverNow } from "../../lib/clock";
import type { Command } from "../../lib/commands";
import { live } from "../../lib/live-app";
import { useAgentNames, useDeviceNames } from "../../lib/live-names";
import { useMay } from "../../lib/role";
import { isInScope, useScope } from "../../lib/scope";
import { useSites } from "../../lib/use-sites";
import { useViews } from "../../lib/use-views";
import { ordered } from "../alerts/standing";
import { useCalled } from "../alerts/subject";
import { rulesQuery } from "../rules/rules";
import { groupsFor } from "../settings/sections";
import { type Entry, entriesOf } from "./rank";
import { agentTarget, alertTarget, commandTargets, deviceTarget, pageTargets, ruleTarget, siteTarget, tenantTargets, viewTarget } from "./targets";

const onAlerts = (listener: () => void) => live.alerts.subscribe(listener);

/** Everything the palette finds, made when it opens and again when a name comes or goes. `commands`: those of the page it was opened on. */
export function useTargets(commands: readonly Command[]): readonly Entry[] {
  const scope = useScope();
  const { write, admin, provider, visit } = useMay();
  const navigate = useNavigate();
  const devices = useDeviceNames();
  const agents = useAgentNames();
  const called = useCalled();
  const tenant = scope.tenant?.id;
  const sites = useSites(tenant ?? null);
  const rules = useQuery(rulesQuery(tenant)).data;
  const { views } = useViews();
  const open = useSyncExternalStore(onAlerts, () => live.alerts.list());
  return useMemo(() => {
    const choose = (id: string | null) => void navigate({ to: ".", search: (old: object) => ({ ...old, tenant: id ?? undefined }) } as never);
    const alerts = ordered(open.filter((alert) => alert.phase !== "resolved" && isInScope(scope, alert)), "worst", serverNow());
    return entriesOf([
      ...commandTargets(commands),
      ...pageTargets(groupsFor({ write, admin, provider, visit })),
      ...views.map(viewTarget),
      ...alerts.map((alert) => alertTarget(alert, called(alert))),
      ...live.devices.list().filter((device) => isInScope(scope, device))
        .map((device) => deviceTarget(device, devices.name(device), scope.isMixed)),
      ...(sites ?? []).map(siteTarget),
      ...live.agents.list().filter((agent) => isInScope(scope, agent)).map((agent) => agentTarget(agent, agents.name(agent))),
      ...(rules ?? []).map(ruleTarget),
      ...tenantTargets(scope.tenants, tenant ?? null, choose),
    ]);
  }, [scope, commands, write, admin, provider, visit, navigate, devices, agents, called, tenant, sites, rules, views, open]);
}

/** What it needs may not have been loaded on the page it is opened on. */
export function loadTargets(): void {
  live.ensureDevices();
  live.ensureAgents();
  live.ensureAlerts();
}
