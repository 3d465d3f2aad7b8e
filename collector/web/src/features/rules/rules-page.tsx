import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useMayIn, useMayMake } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import type { Rule } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { SeverityBadge } from "../alerts/badges";
import { SEVERITIES, severityOf } from "../alerts/standing";
import { openOf } from "./open-of";
import { RemoveRule } from "./remove-rule";
import { RuleSwitch } from "./rule-switch";
import { RULES, useMetricWords } from "./rules";
import { type Metrics, scopeWords, timeWords, wrongWords } from "./words";

const LINK = "hover:underline phone:inline-flex phone:min-h-11 phone:items-center";
const SOLID = "inline-flex h-8 items-center gap-1.5 rounded-md bg-solid px-3 font-medium text-on-solid hover:opacity-95 phone:h-11";

const noName = () => undefined;

function columnsOf(isMixed: boolean, metrics: Metrics): readonly Column<Rule>[] {
  const tenant: Column<Rule> = {
    by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name,
  };
  return [
    { by: "on", label: "On", read: (row) => Number(!row.enabled), cell: (row) => <RuleSwitch rule={row} /> },
    { by: "name", label: "Rule", title: true, read: (row) => row.name,
      cell: (row) => <Link to="/alerts/rules/$id" params={{ id: row.id }} className={LINK}>{row.name}</Link> },
    ...(isMixed ? [tenant] : []),
    { by: "severity", label: "Severity", read: (row) => SEVERITIES.indexOf(severityOf(row)), cell: (row) => <SeverityBadge severity={severityOf(row)} /> },
    { by: "what", label: "What is wrong", className: "phone:col-span-2", read: (row) => wrongWords(row.condition, metrics), cell: (row) => wrongWords(row.condition, metrics) },
    { by: "time", label: "Fires", className: "text-muted max-[1180px]:hidden phone:flex!", cell: (row) => timeWords(row) },
    { by: "scope", label: "For", className: "text-muted", cell: (row) => scopeWords(row.scope, row.condition.kind, noName) },
    { by: "open", label: "Open", note: "Alerts that are open now", figure: true, read: (row) => openOf(live.alerts.list(), row.id), cell: (row) => <Open rule={row} /> },
  ];
}

/** Open alerts of the rule, and the way to them. */
function Open({ rule }: { rule: Rule }) {
  const count = useTableValue(live.alerts, (table) => openOf(table.list(), rule.id));
  if (count === 0) return <span className="text-muted">0</span>;
  return (
    <Link to="/alerts" search={{ rule: rule.id }} title={`Alerts of ${rule.name}`} data-rule-open={count}
      className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
      {integer(count)}
    </Link>
  );
}

export function RulesPage() {
  const scope = useScope();
  const mayIn = useMayIn();
  const canAdd = useMayMake("admin");
  const metrics = useMetricWords();
  const [removing, setRemoving] = useState<Rule | null>(null);
  useEffect(() => live.ensureAlerts(), []);
  const list = usePages([...RULES, "pages", scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/rules", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(scope.isMixed, metrics), [scope.isMixed, metrics]);
  useTitle("Alert rules");
  return (
    <>
      <PageHead title="Alert rules">
        <Link to="/alerts" className="inline-flex min-h-6 items-center text-accent hover:underline phone:min-h-11 phone:min-w-11">Alerts</Link>
        <span className="flex-1" />
        {canAdd && <Link to="/alerts/rules/new" className={SOLID}><Icon name="plus" size={14} /> New rule</Link>}
      </PageHead>
      <p className="max-w-[860px] px-4 pb-3 text-muted phone:px-3">
        A rule says what is wrong, of what, and for how long before somebody hears of it. Every tenant began with some of them, to
        be changed as it likes.{!canAdd && " An administrator of your tenant can change them."}
      </p>
      <DataTable label="Alert rules" list={list} columns={columns} keyOf={(row) => row.id} first={{ by: "name", desc: false }}
        {...(list.rows.some(({ tenant }) => mayIn(tenant.id).admin) ? {
          renderActions: (rule: Rule) => mayIn(rule.tenant.id).admin && (
            <>
              <Link to="/alerts/rules/$id" params={{ id: rule.id }} aria-label={`Edit ${rule.name}`}
                className="inline-flex h-7 items-center justify-center rounded-md px-3 text-muted hover:bg-hover hover:text-text phone:h-11 phone:border phone:border-edge">
                Edit
              </Link>
              <button type="button" aria-label={`Delete ${rule.name}`} onClick={() => setRemoving(rule)}
                className="inline-flex h-7 items-center justify-center rounded-md px-3 text-muted hover:bg-hover hover:text-text phone:h-11 phone:border phone:border-edge">
                Delete
              </button>
            </>
          ),
        } : {})}
        empty={
          <Empty title="No rule">
            <p>Without a rule there are no alerts, whatever happens.</p>
            {canAdd && <Link to="/alerts/rules/new" className={`${SOLID} self-start`}>Make a rule</Link>}
          </Empty>
        } />
      <RemoveRule rule={removing} onClose={() => setRemoving(null)} onGone={() => setRemoving(null)} />
    </>
  );
}
