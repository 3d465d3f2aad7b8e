import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { useMayIn } from "../../lib/role";
import type { Rule } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { endedWords, useOpenOf } from "./open-of";
import { RULES } from "./rules";

const TRACK = "inline-flex h-5 w-9 items-center rounded-full border px-0.5 transition-colors";

/** Whether a rule is looked at. To switch it off ends its open alerts: that is asked about first. `isBare`: a heading says «On» already. */
export function RuleSwitch({ rule, isBare = false }: { rule: Rule; isBare?: boolean }) {
  const may = useMayIn()(rule.tenant.id);
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const open = useOpenOf(rule.id);
  const change = useMutation({
    mutationFn: (enabled: boolean) => take(api.PATCH("/api/v1/rules/{id}", { params: { path: { id: rule.id } }, body: { enabled } })),
    onSuccess: () => {
      setAsking(false);
      return queries.invalidateQueries({ queryKey: RULES });
    },
  });
  const { enabled } = rule;
  if (!may.admin) return <span className={enabled ? "" : "text-muted"}>{enabled ? "On" : "Off"}</span>;
  const turn = () => {
    change.reset();
    if (enabled && open !== 0) setAsking(true);
    else change.mutate(!enabled);
  };
  return (
    <>
      <button type="button" role="switch" aria-checked={enabled} aria-label={rule.name} disabled={change.isPending} onClick={turn}
        title={enabled ? "On: switch it off" : "Off: switch it on"}
        className="inline-flex h-8 items-center gap-2 phone:h-11 phone:min-w-11">
        <span aria-hidden="true" className={`${TRACK} ${enabled ? "justify-end border-accent bg-accent" : "justify-start border-control bg-surface"}`}>
          <span className={`size-3.5 rounded-full ${enabled ? "bg-on-solid" : "bg-muted"}`} />
        </span>
        {!isBare && <span className={`w-6 text-left ${enabled ? "" : "text-muted"}`}>{enabled ? "On" : "Off"}</span>}
      </button>
      {change.error && !asking && <span role="alert" className="ml-2 max-w-72 text-xs wrap-anywhere whitespace-normal text-down">Not changed. {change.error.message}</span>}
      <Confirm open={asking} onOpenChange={setAsking} isMild title={`Switch «${rule.name}» off?`} action="Switch it off" busy={change.isPending}
        error={change.error} onConfirm={() => change.mutate(false)}>
        {endedWords(open) ?? "No alert of it is open"}.
      </Confirm>
    </>
  );
}
