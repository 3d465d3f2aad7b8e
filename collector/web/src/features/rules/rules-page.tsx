import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { counted } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import { useTitle } from "../../lib/use-title";
import type { Pages } from "../../lib/use-pages";
import { DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { FilterBar } from "../../ui/filter-bar";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { groupsOf, type RuleGroup } from "./groups";
import { columnsOf } from "./rule-columns";
import { rulesQuery, useMetricWords } from "./rules";
import { wrongWords } from "./words";

const SOLID = "inline-flex h-8 items-center gap-1.5 rounded-md bg-solid px-3 font-medium text-on-solid hover:opacity-95 phone:h-11";
const NO_GROUPS: readonly RuleGroup[] = [];
const keyOf = ({ key }: RuleGroup) => key;

/** The rules of all tenants: what several have alike stands in one line. */
function useGroups(): Pages<RuleGroup> {
  const { data, error, refetch } = useQuery(rulesQuery(narrowed(useScope()).tenant));
  const rows = useMemo(() => (data ? groupsOf(data) : NO_GROUPS), [data]);
  return {
    rows, total: rows.length, isEmpty: data !== undefined && rows.length === 0, phase: data ? "ready" : error ? "failed" : "loading",
    error, retry: () => void refetch(), more: null, isLoadingMore: false,
  };
}

export function RulesPage() {
  const { isMixed } = useScope();
  const canAdd = useMayMake("admin");
  const metrics = useMetricWords();
  const [query, setQuery] = useState("");
  useEffect(() => live.ensureAlerts(), []);
  const list = useGroups();
  const columns = useMemo(() => columnsOf(isMixed, metrics), [isMixed, metrics]);
  const isFound = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/);
    return ({ rule, rules }: RuleGroup) => {
      const hay = [rule.name, rule.severity, wrongWords(rule.condition, metrics), ...rules.map(({ tenant }) => tenant.name)].join("\n").toLowerCase();
      return words.every((word) => hay.includes(word));
    };
  }, [query, metrics]);
  useTitle("Alert rules");
  const found = query ? list.rows.filter(isFound).length : list.rows.length;
  return (
    <>
      <PageHead title="Alert rules">
        <Link to="/alerts" className="inline-flex min-h-6 items-center text-accent hover:underline phone:min-h-11 phone:min-w-11">Alerts</Link>
        {list.rows.length > 0 && (
          <FilterBar label="Filter rules" query={query} onQuery={setQuery} shown={found} total={list.rows.length} count={(total) => counted(total, "rule")}
            onClear={query ? () => setQuery("") : undefined} />
        )}
        <span className="flex-1" />
        {canAdd && <Link to="/alerts/rules/new" className={SOLID}><Icon name="plus" size={14} /> New rule</Link>}
      </PageHead>
      <p className="max-w-[860px] px-4 pb-3 text-muted phone:hidden">
        A rule says what is wrong, of what, and for how long before somebody hears of it. Every tenant began with some of them, to
        be changed as it likes.{!canAdd && " An administrator of your tenant can change them."}
      </p>
      <DataTable label="Alert rules" list={list} keep={query ? isFound : undefined} columns={columns} keyOf={keyOf} first={{ by: "name", desc: false }}
        empty={
          <Empty title="No rule">
            <p>Without a rule there are no alerts, whatever happens.</p>
            {canAdd && <Link to="/alerts/rules/new" className={`${SOLID} self-start`}>Make a rule</Link>}
          </Empty>
        } />
    </>
  );
}
