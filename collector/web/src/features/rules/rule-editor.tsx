import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, take } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Rule } from "../../lib/types";
import { addTags } from "../../lib/tags";
import { useKnownTags } from "../../lib/use-known-tags";
import { useSites } from "../../lib/use-sites";
import { Button } from "../../ui/button";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { RadioCards } from "../../ui/radio-cards";
import { TagField } from "../../ui/tag-field";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { ChangeNote } from "./change-note";
import { ConditionFields } from "./condition-fields";
import { changeOf, type Draft, draftOf, isOfAgents, isSame, keptOf, NEW_DRAFT, type Severity, triedOf, type Wrong, wrongToKeep, wrongToTry } from "./draft";
import { RulePreviewPart } from "./rule-preview";
import { RULES, useMetricWords } from "./rules";
import { SiteField } from "./site-field";
import { TimeFields } from "./time-fields";
import { wholeSentence } from "./words";

const SEVERITY_CARDS = [
  { value: "critical", label: "Critical", note: "Somebody has to act now." },
  { value: "warning", label: "Warning", note: "Somebody should look today." },
  { value: "info", label: "Info", note: "Good to know." },
] as const;
const SHOWS = ["name", "tenant", "severity", "states", "troubles", "metric", "object", "limit", "clear", "for_s", "resolve_after_s", "condition", "scope"];

/** The field that the server's word on the scope is about: it names what is wrong with a tag or a kind. */
function wrongInScope(said: string | undefined): { sites?: string; tags?: string; kinds?: string } {
  if (!said) return {};
  if (/^a kind\b/i.test(said)) return { kinds: said };
  return / a tag\.?$/.test(said) ? { tags: said } : { sites: said };
}

/** A rule as it is typed, and beside it what it would say. */
export function RuleEditor({ rule }: { rule: Rule | null }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const metrics = useMetricWords();
  const [tenant, setTenant] = useState(useFirstTenant());
  const owner = rule?.tenant.id ?? tenant;
  // The rule that was there when it began to be typed: what somebody else changes meanwhile stays theirs.
  const [was, setWas] = useState(rule);
  const [draft, setDraft] = useState<Draft>(() => (rule ? draftOf(rule) : NEW_DRAFT));
  // A tag or a kind that nobody has ended yet counts as if it was.
  const [typed, setTyped] = useState({ tags: "", kinds: "" });
  const meant: Draft = { ...draft, tags: addTags(draft.tags, typed.tags), kinds: addTags(draft.kinds, typed.kinds, false) };
  const isDirty = was !== null && JSON.stringify(draft) !== JSON.stringify(draftOf(was));
  const isOvertaken = rule !== null && was !== null && !isSame(rule, was);
  const takeOver = () => {
    if (!rule) return;
    setWas(rule);
    setDraft(draftOf(rule));
  };
  // Derived while rendering: where nothing is typed there is nothing to lose.
  if (isOvertaken && !isDirty) takeOver();
  const [asked, setAsked] = useState(false);
  const known = useKnownTags(owner);
  useEffect(() => live.ensureAlerts(), []);
  const put = (part: Partial<Draft>) => {
    setDraft((old) => ({ ...old, ...part }));
    save.reset();
  };
  const save = useMutation({
    mutationFn: async () => {
      const body = keptOf(meant, metrics);
      if (!rule || !was) return void (await take(api.POST("/api/v1/rules", { body: { ...body, tenant: owner } })));
      const change = changeOf(body, keptOf(draftOf(was), metrics));
      if (Object.keys(change).length > 0) await take(api.PATCH("/api/v1/rules/{id}", { params: { path: { id: rule.id } }, body: change }));
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: RULES });
      void navigate({ to: "/alerts/rules" });
    },
  });
  const named = useSites(draft.sites.length > 0 ? owner : "");
  const wrong: Wrong = wrongToKeep(draft);
  const isWrong = Object.keys(wrong).length > 0;
  const sent = fieldErrors(save.error);
  const fields: Readonly<Record<string, string>> = asked && isWrong ? wrong : sent;
  const inScope = wrongInScope(fields["scope"]);
  const canTry = owner !== "" && Object.keys(wrongToTry(draft)).length === 0;
  const tried = canTry ? triedOf(meant, metrics) : null;
  const submit = () => {
    setAsked(true);
    if (!isWrong) save.mutate();
  };
  return (
    <div className="grid grid-cols-[minmax(0,480px)_minmax(0,1fr)] items-start gap-8 px-4 pb-6 max-[1000px]:grid-cols-1 max-[1000px]:gap-5 phone:px-3">
      <Form isLong onSubmit={submit} error={asked && isWrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS}
        action={rule ? "Save the rule" : "Make the rule"} busy={save.isPending} disabled={!owner} onCancel={() => void navigate({ to: "/alerts/rules" })}>
        {isOvertaken && isDirty && !save.isPending && !save.isSuccess && (
          <div role="alert" data-overtaken className="flex flex-wrap items-center gap-3 rounded-md border border-edge bg-degraded-soft px-3 py-2">
            <p className="min-w-0 flex-1">Somebody else has changed this rule meanwhile. Saving changes only what you have typed.</p>
            <Button onClick={takeOver}>Begin with theirs</Button>
          </div>
        )}
        <TextField id="rule-name" label="Name" value={draft.name} autoComplete="off" maxLength={100} placeholder="Core busy" error={fields["name"]}
          onChange={(event) => put({ name: event.target.value })} />
        {!rule && <TenantField id="rule-tenant" value={tenant} error={fields["tenant"]} onChange={(id) => {
          setTenant(id);
          put({ sites: [] });
        }} />}
        <ConditionFields draft={draft} metrics={metrics} wrong={fields} onChange={put} />
        {fields["condition"] && <p className="text-xs text-down">{fields["condition"]}</p>}
        <TimeFields draft={draft} wrong={fields} onChange={put} />
        <RadioCards legend="Severity" name="severity" cards={SEVERITY_CARDS} value={draft.severity as Severity} across
          onChange={(severity) => put({ severity })} />
        <FieldFrame id="rule-site" label="Sites" error={inScope.sites} hint="None: every site of the tenant.">
          <SiteField tenant={owner} sites={draft.sites} onChange={(sites) => put({ sites })} />
        </FieldFrame>
        {!isOfAgents(draft.kind) && (
          <>
            <TagField id="rule-tags" label="Tags" tags={draft.tags} known={known} onChange={(tags) => put({ tags })} onTyped={(tags) => setTyped((old) => ({ ...old, tags }))} error={inScope.tags}
              hint="Only devices with one of these; none: all of them." />
            <TagField id="rule-kinds" label="Kinds" tags={draft.kinds} known={[]} onChange={(kinds) => put({ kinds })} onTyped={(kinds) => setTyped((old) => ({ ...old, kinds }))} error={inScope.kinds}
              commas={false} placeholder="RouterOS*, *IOS XE*"
              hint="Only devices whose sysDescr or sysObjectID fits one of these; none: all of them. * is anything, ? one character; without them it may stand anywhere in it. Capitals do not matter. Enter ends one." />
          </>
        )}
        {was && isDirty && <ChangeNote rule={was} />}
      </Form>
      {/* On a narrow screen the sentence stands above what makes it. */}
      <section aria-label="What this rule would say" className="sticky top-4 flex min-w-0 flex-col gap-4 max-[1000px]:contents">
        <div className="rounded-lg border border-line bg-surface px-4 py-3 max-[1000px]:order-first">
          <h2 className="mb-1 text-xs text-muted">In words</h2>
          <p data-rule-sentence className="text-base">
            {Object.keys(wrongToTry(draft)).length === 0 ? wholeSentence(triedOf(meant, metrics), metrics, (id) => named?.find((site) => site.id === id)?.name) : "What is wrong is not said yet: fill in the fields."}
          </p>
        </div>
        <RulePreviewPart tenant={owner} tried={tried} metrics={metrics} />
      </section>
    </div>
  );
}
