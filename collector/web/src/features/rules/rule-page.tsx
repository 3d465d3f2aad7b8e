import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { isNotHere } from "../../lib/api";
import { useMayIn } from "../../lib/role";
import type { Rule } from "../../lib/types";
import { useSites } from "../../lib/use-sites";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Fact, Facts } from "../../ui/facts";
import { Icon } from "../../ui/icon";
import { Skeleton } from "../../ui/skeleton";
import { SeverityBadge } from "../alerts/badges";
import { severityOf } from "../alerts/standing";
import { NotFound } from "../shell/lost";
import { RemoveRule } from "./remove-rule";
import { RuleEditor } from "./rule-editor";
import { RuleSwitch } from "./rule-switch";
import { ruleQuery, useMetricWords } from "./rules";
import { ruleSentence, scopeWords } from "./words";

export function NewRulePage() {
  useTitle("New alert rule", true);
  return (
    <Frame title="New alert rule">
      <RuleEditor rule={null} />
    </Frame>
  );
}

/** A rule: to be changed by who may, to be read by the others. */
export function RulePage({ id }: { id: string }) {
  const navigate = useNavigate();
  const mayIn = useMayIn();
  const { data: rule, error, refetch } = useQuery(ruleQuery(id));
  const [removing, setRemoving] = useState(false);
  useTitle(rule ? `${rule.name} · Alert rules` : null, true);
  if (isNotHere(error)) return <NotFound />;
  if (error && !rule) return <ErrorNote error={error} className="m-4" onRetry={() => void refetch()} />;
  if (!rule) return <Skeleton label="Loading the rule" />;
  const may = mayIn(rule.tenant.id);
  return (
    <Frame title={rule.name} note={rule.tenant.name}
      actions={may.admin && (
        <>
          <RuleSwitch rule={rule} />
          <Button onClick={() => setRemoving(true)}>Remove…</Button>
        </>
      )}>
      {may.admin ? <RuleEditor rule={rule} /> : <Words rule={rule} />}
      <RemoveRule rule={removing ? rule : null} onClose={() => setRemoving(false)} onGone={() => void navigate({ to: "/alerts/rules" })} />
    </Frame>
  );
}

function Frame({ title, note, actions, children }: { title: string; note?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-full flex-col">
      <div className="flex flex-col gap-1 px-4 pt-2 pb-3 phone:px-3">
        <Link to="/alerts/rules" className="inline-flex min-h-6 items-center gap-1 self-start text-muted hover:text-text phone:min-h-11">
          <Icon name="back" size={14} /> Alert rules
        </Link>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h1 className="text-xl font-semibold wrap-anywhere">{title}</h1>
          {note && <span className="text-muted">{note}</span>}
          <span className="flex-1" />
          {actions}
        </div>
      </div>
      {children}
    </div>
  );
}

function Words({ rule }: { rule: Rule }) {
  const metrics = useMetricWords();
  const sites = useSites(rule.scope.sites.length > 0 ? rule.tenant.id : "");
  return (
    <div className="flex max-w-[720px] flex-col gap-4 px-4 phone:px-3">
      <p className="text-base" data-rule-sentence>{ruleSentence(rule, metrics)}</p>
      <Facts>
        <Fact name="Severity"><SeverityBadge severity={severityOf(rule)} /></Fact>
        <Fact name="For">{scopeWords(rule.scope, rule.condition.kind, (id) => sites?.find((site) => site.id === id)?.name)}</Fact>
        <Fact name="State">{rule.enabled ? "On" : "Off"}</Fact>
      </Facts>
      <p className="text-muted">An administrator of your tenant can change it.</p>
    </div>
  );
}
