import { Link } from "@tanstack/react-router";
import { counted, integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import type { Rule } from "../../lib/types";
import { usePhone } from "../../lib/use-phone";
import type { Column } from "../../ui/data-table";
import { SeverityBadge } from "../alerts/badges";
import { SEVERITIES, severityOf } from "../alerts/standing";
import { onWords, type RuleGroup } from "./groups";
import { openOf } from "./open-of";
import { RuleSwitch } from "./rule-switch";
import { type Metrics, scopeWords, timeWords, wrongWords } from "./words";

const LINK = "hover:underline phone:inline-flex phone:min-h-11 phone:items-center";
/** More tenants than these are folded away. */
const TENANTS_SHOWN = 6;

const noName = () => undefined;
const openIn = (rules: readonly Rule[]) => rules.reduce((sum, { id }) => sum + openOf(live.alerts.list(), id), 0);

/** A phone shows what a rule is, how bad, and whether it is on; the rest stands on its page. */
export function columnsOf(isMixed: boolean, metrics: Metrics): readonly Column<RuleGroup>[] {
  const tenant: Column<RuleGroup> = {
    by: "tenant", label: "Tenants", className: "text-muted phone:order-3 phone:justify-end phone:[&>span:first-child]:hidden", read: ({ rules }) => rules.map((one) => one.tenant.name).join(), cell: ({ rules }) => <Tenants rules={rules} />,
  };
  return [
    { by: "on", label: "On", className: "phone:order-1 phone:justify-end phone:[&>span:first-child]:hidden", read: ({ rules }) => rules.filter(({ enabled }) => !enabled).length, cell: ({ rules }) => <On rules={rules} /> },
    { by: "name", label: "Rule", title: true, className: "phone:col-span-1!", read: ({ rule }) => rule.name, cell: (group) => <Name group={group} /> },
    ...(isMixed ? [tenant] : []),
    { by: "severity", label: "Severity", className: "phone:order-2 phone:[&>span:first-child]:hidden", read: ({ rule }) => SEVERITIES.indexOf(severityOf(rule)), cell: ({ rule }) => <SeverityBadge severity={severityOf(rule)} /> },
    { by: "what", label: "What is wrong", wide: true, read: ({ rule }) => wrongWords(rule.condition, metrics), cell: ({ rule }) => wrongWords(rule.condition, metrics) },
    { by: "time", label: "Fires", wide: true, className: "text-muted max-[1180px]:hidden", cell: ({ rule }) => timeWords(rule) },
    { by: "scope", label: "For", wide: true, className: "text-muted", cell: ({ rule }) => scopeWords(rule.scope, rule.condition.kind, noName) },
    { by: "open", label: "Open", note: "Alerts that are open now", figure: true, wide: true, read: ({ rules }) => openIn(rules), cell: ({ rules }) => <Open rules={rules} /> },
  ];
}

/** Nobody would hear of what is critical. */
const isMissed = (rule: Rule) => !rule.enabled && severityOf(rule) === "critical";

function On({ rules }: { rules: readonly Rule[] }) {
  const [only] = rules;
  if (only && rules.length === 1) return <RuleSwitch rule={only} isBare />;
  return <span className={`inline-flex h-8 items-center whitespace-nowrap ${rules.every(isMissed) ? "text-degraded" : "text-muted"}`}>{onWords(rules)}</span>;
}

/** What one tenant has alone leads to it; of several, each tenant leads to its own. */
function Name({ group: { rule, rules } }: { group: RuleGroup }) {
  return rules.length > 1 ? rule.name
    : <Link to="/alerts/rules/$id" params={{ id: rule.id }} className={LINK}>{rule.name}</Link>;
}

function Tenants({ rules }: { rules: readonly Rule[] }) {
  const phone = usePhone();
  const shown = phone && rules.length > 1 ? 0 : TENANTS_SHOWN;
  const hidden = rules.slice(shown);
  return (
    <span className="flex flex-wrap items-center gap-x-3">
      {rules.slice(0, shown).map((rule) => <OfTenant key={rule.id} rule={rule} isOne={rules.length === 1} />)}
      {hidden.length > 0 && (
        <details>
          <summary className="cursor-pointer text-accent phone:flex phone:min-h-11 phone:items-center">
            {shown > 0 ? `and ${integer(hidden.length)} more` : counted(hidden.length, "tenant")}
          </summary>
          <span className="flex flex-wrap gap-x-3">{hidden.map((rule) => <OfTenant key={rule.id} rule={rule} isOne={false} />)}</span>
        </details>
      )}
    </span>
  );
}

function OfTenant({ rule, isOne }: { rule: Rule; isOne: boolean }) {
  const { id, enabled, tenant } = rule;
  return (
    <span className="whitespace-nowrap">
      {isOne ? tenant.name : <Link to="/alerts/rules/$id" params={{ id }} className={`text-text ${LINK}`}>{tenant.name}</Link>}
      {!isOne && !enabled && <span className={`ml-1 text-xs ${isMissed(rule) ? "text-degraded" : ""}`}>off</span>}
    </span>
  );
}

/** Open alerts of the rule, and the way to them. */
function Open({ rules }: { rules: readonly Rule[] }) {
  const counts = useTableValue(live.alerts, (table) => rules.map(({ id }) => openOf(table.list(), id)).join(" ")).split(" ").map(Number);
  const open = rules.flatMap((rule, i) => (counts[i] ? [{ rule, count: counts[i] }] : []));
  if (open.length === 0) return <span className="text-muted">0</span>;
  return (
    <span className="inline-flex flex-wrap justify-end gap-x-3">
      {open.map(({ rule, count }) => (
        <Link key={rule.id} to="/alerts" search={{ rule: rule.id }} title={`Alerts of ${rule.name}, ${rule.tenant.name}`} data-rule-open={count}
          className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
          {rules.length > 1 && <span className="mr-1 text-xs text-muted">{rule.tenant.name}</span>}{integer(count)}
        </Link>
      ))}
    </span>
  );
}
